"""How a model gets onto a machine: files and hub, precision, placement, compilation."""
