"""Views of 128×128 pixels of slices brought to 192; of unlabelled ones a weak view and two strong ones in other light."""
_base_ = './strong_views.py'
transforms = [
    dict(type='random_affine', size=(128, 128), longest=192, rotate_deg=30, scale=(0.78, 1.28), flip_axes=(-2, -1), foreground=0.5)]
