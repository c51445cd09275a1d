"""Loading a model onto a machine: files and hub, precision, placement, compilation."""
