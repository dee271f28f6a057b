"""Semi-supervised learning: a few labelled images, many without labels."""
from .bcp import bcp
from .cct import cct
from .cps import cps
from .cross_teaching import cross_teaching
from .distillation import distillation
from .entropy_minimization import entropy_minimization
from .mcnet import mcnet
from .mean_teacher import mean_teacher
from .uamt import uamt
from .unimatch import unimatch
from .urpc import urpc

__all__ = ['bcp', 'cct', 'cps', 'cross_teaching', 'distillation', 'entropy_minimization', 'mcnet', 'mean_teacher', 'uamt',
           'unimatch', 'urpc']
