"""Blocks that a data set has cut already: mirrored in the plane, in other light."""
transforms = [
    dict(type='random_flip', axes=(-2, -1)),
    dict(type='random_gamma', low=0.74, high=1.35, probability=0.5),
    dict(type='random_brightness_contrast', brightness=0.25, contrast=0.25, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
