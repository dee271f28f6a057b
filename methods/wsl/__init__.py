"""Weak supervision."""
from .dmpls import dmpls

__all__ = ['dmpls']
