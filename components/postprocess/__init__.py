"""Corrections of a predicted label map."""
from .connected import largest_component

__all__ = ['largest_component']
