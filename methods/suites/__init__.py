"""Suites: a list of configs × seeds × folds that is trained, tested, evaluated and compared in one command.

``reading`` makes a suite of a config and checks it, ``planning`` says what is to be done given what is on disk, ``jobs`` does it in
processes, N at a time, ``folds`` joins a cross-validation, ``conclusion`` compares.
"""
from .conclusion import conclude
from .jobs import Jobs, only_one, share_of_cores
from .planning import Plan
from .progress import line_of, outcome, still_to_do, title
from .reading import Suite, load_suite

__all__ = ['Jobs', 'Plan', 'Suite', 'conclude', 'line_of', 'load_suite', 'only_one', 'outcome', 'share_of_cores', 'still_to_do',
           'title']
