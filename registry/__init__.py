"""The shelves on which every component registers itself, and how a config's ``type`` becomes a component."""
from .binding import bind, resolve
from .errors import UserError
from .paths import find_config, load_config, use_data_root
from .shelves import (
    DATA_SAMPLERS,
    DATASETS,
    FUNCTIONS,
    HOOKS,
    INFERERS,
    LOOPS,
    LOSSES,
    METHODS,
    METRICS,
    MODELS,
    NETWORKS,
    POSTPROCESSORS,
    SCHEDULES,
    SHELVES,
    TRANSFORMS,
    VISBACKENDS,
)

__all__ = ['DATASETS', 'DATA_SAMPLERS', 'FUNCTIONS', 'HOOKS', 'INFERERS', 'LOOPS', 'LOSSES', 'METHODS', 'METRICS', 'MODELS',
           'NETWORKS', 'POSTPROCESSORS', 'SCHEDULES', 'SHELVES', 'TRANSFORMS', 'VISBACKENDS', 'UserError', 'bind',
           'find_config', 'load_config', 'resolve', 'use_data_root']
