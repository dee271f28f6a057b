"""The one value that means "not annotated"."""

IGNORE = 255
