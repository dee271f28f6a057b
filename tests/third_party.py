"""Packages that some tests need and some machines have in a state that needs help."""
import importlib
import sys

import pytest
import torch

_operators = []  # the definitions last as long as this list


def import_torchvision():
    """The module torchvision; where it is not installed the test that asks is skipped.

    PyPI's torchvision is built for CUDA. Beside a torch without CUDA its own library does not load, and its import ends because
    two of the library's operators are unknown; no network uses them, so here they get a signature and no code.
    """
    try:
        return importlib.import_module('torchvision')
    except ImportError as error:
        return pytest.skip(f'needs torchvision: {error}')
    except RuntimeError as error:
        if 'torchvision::nms' not in str(error):
            raise
    library = torch.library.Library('torchvision', 'DEF')
    for name in ('nms', 'qnms'):
        library.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')
    _operators.append(library)
    for name in [n for n in sys.modules if n.split('.')[0] == 'torchvision']:
        del sys.modules[name]
    return importlib.import_module('torchvision')
