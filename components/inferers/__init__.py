"""Inference as functions over ``predict``: each takes a function from images to probabilities and an image, and is such a
function again once its settings are bound; a config chains them, the outermost first."""
from .flips import flip_average
from .padded import padded
from .rescaled import rescaled
from .sliding_window import sliding_window

__all__ = ['flip_average', 'padded', 'rescaled', 'sliding_window']
