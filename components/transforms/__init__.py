"""Transforms of a sample, one function each: ``transform(sample, rng, *, settings) -> sample``.

A sample is a dict with ``image`` (C, *space) float32, perhaps ``label`` (*space) uint8, and ``spacing_mm``. A random
transform first draws its parameters from ``rng``, then applies them; a spatial one notes them in the sample's ``history``,
with which ``undo`` brings a prediction back. Nothing is changed in place. What comes from outside the image is
"not annotated" (255) in the label, never background.
"""
from .affine import affine, random_affine
from .annotation import implied_background
from .geometry import crop, flip, pad, random_crop, random_flip
from .history import undo
from .intensity import clip_percentiles, normalise, random_brightness_contrast, random_gamma, random_noise

__all__ = ['affine', 'clip_percentiles', 'crop', 'flip', 'implied_background', 'normalise', 'pad', 'random_affine',
           'random_brightness_contrast', 'random_crop', 'random_flip', 'random_gamma', 'random_noise', 'undo']
