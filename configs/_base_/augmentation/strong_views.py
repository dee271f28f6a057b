"""Labelled images in somewhat other light; of unlabelled ones a weak view, as placed, and two strong ones of the same voxels."""
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
