"""Values of a label that are no class."""

IGNORE = 255
"""Not annotated: nothing is known of the voxel."""

IMPLIED = 254
"""Not annotated, but background by the annotator's convention: see ``transforms.implied_background``."""
