"""Inference as functions over ``predict``: (N, C, *window) images to (N, K, *window) probabilities."""
from .flips import flip_average
from .sliding_window import sliding_window

__all__ = ['flip_average', 'sliding_window']
