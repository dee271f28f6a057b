"""Views of 192×192 pixels, turned a little and never mirrored: the heart stays on its side."""
transforms = [
    dict(type='random_affine', size=(192, 192), rotate_deg=15, scale=(0.75, 1.25), flip_axes=()),
    dict(type='random_gamma', low=0.74, high=1.35, probability=0.5),
    dict(type='random_brightness_contrast', brightness=0.25, contrast=0.25, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
