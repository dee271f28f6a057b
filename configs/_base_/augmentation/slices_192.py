"""The paper's crops of 192×192 pixels, for semi-supervised learning."""
transforms = [
    dict(type='random_affine', size=(192, 192), rotate_deg=30, scale=(0.9, 1.1), flip_axes=(-2, -1)),
    dict(type='random_gamma', low=0.7, high=1.5, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
