"""Crops of 192×192 pixels; of unlabelled ones a weak view and two strong ones in other light."""
transforms = [dict(type='random_affine', size=(192, 192), rotate_deg=30, scale=(0.9, 1.1), flip_axes=(-2, -1))]
light = [
    dict(type='random_gamma', low=0.74, high=1.35, probability=0.5),
    dict(type='random_brightness_contrast', brightness=0.25, contrast=0.25, probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
strong = [
    dict(type='random_gamma', low=0.5, high=2.0, probability=0.8),
    dict(type='random_brightness_contrast', brightness=0.5, contrast=0.5, probability=0.8),
    dict(type='random_blur', probability=0.5),
    dict(type='random_noise', std=0.1, probability=0.5)]
part_transforms = dict(labeled=light, unlabeled=[dict(type='views', count=2, strong=strong)])
del light, strong
