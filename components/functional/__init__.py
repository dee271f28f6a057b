"""Maths that methods share."""
from .pseudo import mixed_pseudo_label
from .sharpening import sharpen

__all__ = ['mixed_pseudo_label', 'sharpen']
