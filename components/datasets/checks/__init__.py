"""Looking at data before training: what is wrong with it, case by case and between cases, as a table and as a page.

``quick`` reads headers alone; ``run`` reads every voxel. The page and its pictures are imported where they are made.
"""
from .kinds import KINDS, Problem, explain_kinds
from .quick import check_before_training, quick_check

__all__ = ['KINDS', 'Problem', 'check_before_training', 'explain_kinds', 'quick_check']
