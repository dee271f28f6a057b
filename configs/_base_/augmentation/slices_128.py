"""Crops of 128×128 pixels, rotated by any angle."""
transforms = [
    dict(type='random_affine', size=(128, 128), rotate_deg=180, scale=(0.7, 1.4), flip_axes=(-2, -1)),
    dict(type='random_gamma', low=0.7, high=1.5, probability=0.5),
    dict(type='random_noise', std=0.2, probability=0.5)]
