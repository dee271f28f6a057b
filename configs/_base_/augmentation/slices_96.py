"""Views of 96×96 pixels, half of them placed on annotated foreground."""
transforms = [
    dict(type='random_affine', size=(96, 96), rotate_deg=30, scale=(0.8, 1.25), flip_axes=(-2, -1), foreground=0.5),
    dict(type='random_gamma', low=0.74, high=1.35, probability=0.5),
    dict(type='random_brightness_contrast', brightness=0.25, contrast=0.25, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
