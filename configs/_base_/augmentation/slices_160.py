"""Crops of 160×160 pixels, turned by up to 30 degrees and flipped, half of them placed on annotated foreground."""
transforms = [dict(type='random_affine', size=(160, 160), rotate_deg=30, scale=(1.0, 1.0), flip_axes=(-2, -1), foreground=0.5)]
