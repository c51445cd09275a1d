"""Masks as checked values, the operations on them, and regions: a mask with a number and a colour."""
