"""Crops of 192×192 pixels; of unlabelled ones a weak view and two strong ones in other light."""
_base_ = './strong_views.py'
transforms = [dict(type='random_affine', size=(192, 192), rotate_deg=30, scale=(0.9, 1.1), flip_axes=(-2, -1))]
