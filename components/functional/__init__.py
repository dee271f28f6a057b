"""Maths that methods share."""
from .pseudo import mixed_pseudo_label

__all__ = ['mixed_pseudo_label']
