"""Transforms of a sample, one function each: ``transform(sample, rng, *, settings) -> sample``.

A sample is a dict with ``image`` (C, *space) float32, perhaps ``label`` (*space) uint8, and ``spacing_mm``; ``weight``,
``error_map``, ``soft_label`` and strong views ``image_strong1``, … follow the image through every spatial transform (see
``fields``). A ``random_`` transform first draws its parameters from ``rng``, then applies them; a spatial one notes them in the
sample's ``history``, with which ``undo`` brings a prediction back. Nothing is changed in place. What comes from outside the image
is "not annotated" (255) in the label, never background, and the channel's minimum in the image.
"""
from .affine import affine, rotate, scale, shear
from .annotation import implied_background
from .composition import one_of, sometimes, views
from .conversion import convert_labels, one_hot
from .crops import crop_foreground, random_crop, random_resized_crop
from .degradation import random_bias_field, random_blur, random_cutout, random_low_resolution
from .fields import fields
from .geometry import centre_crop, crop, flip, pad, random_flip, random_rot90, random_transpose, rot90, transpose
from .history import undo, undo_each
from .intensity import random_bezier, random_brightness_contrast, random_gamma, random_noise
from .normalisation import (
    clip,
    clip_percentiles,
    ct_window,
    equalise_histogram,
    normalise,
    normalise_min_max,
    normalise_percentiles,
)
from .orientation import reorient
from .random_affine import random_affine, random_elastic
from .resizing import resample, resize

__all__ = ['affine', 'centre_crop', 'clip', 'clip_percentiles', 'convert_labels', 'crop', 'crop_foreground', 'ct_window',
           'equalise_histogram', 'fields', 'flip', 'implied_background', 'normalise', 'normalise_min_max',
           'normalise_percentiles', 'one_hot', 'one_of', 'pad', 'random_affine', 'random_bezier', 'random_bias_field',
           'random_blur', 'random_brightness_contrast', 'random_crop', 'random_cutout', 'random_elastic', 'random_flip',
           'random_gamma', 'random_low_resolution', 'random_noise', 'random_resized_crop', 'random_rot90', 'random_transpose',
           'reorient', 'resample', 'resize', 'rot90', 'rotate', 'scale', 'shear', 'sometimes', 'transpose', 'undo',
           'undo_each', 'views']
