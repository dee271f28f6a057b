"""Crops of 512×512 pixels of pictures at half to twice their size, flipped, in other light."""
transforms = [
    dict(type='random_affine', size=(512, 512), rotate_deg=0, scale=(0.5, 2.0), flip_axes=(-2, -1)),
    dict(type='random_brightness_contrast', brightness=0.25, contrast=0.25, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
