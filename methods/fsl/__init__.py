"""Full supervision."""
from .supervised import supervised

__all__ = ['supervised']
