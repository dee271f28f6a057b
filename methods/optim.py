"""Parameter groups, and training in half precision."""
import logging
from contextlib import contextmanager

import torch
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper

from scarceseg.registry import SHELVES, UserError

logger = logging.getLogger(__name__)


@SHELVES['OPTIM_WRAPPERS'].register_module()
class Bfloat16OptimWrapper(OptimWrapper):
    """Forward and backward passes in bfloat16 wherever autocast holds that safe, on CPUs and GPUs that have such arithmetic.

    Weights, losses and the optimizer stay in float32, and no loss is scaled. It takes the settings of mmengine's ``OptimWrapper``.
    For float16 on a GPU there is mmengine's ``AmpOptimWrapper``.

    Raises:
        UserError: at the first step, 3D convolutions on a CPU; PyTorch 2.13 errs in their gradients where an axis has two voxels.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not has_bfloat16():
            logger.warning('this machine has no bfloat16 arithmetic and imitates it slowly; optim_wrapper.type="OptimWrapper" '
                           'trains faster here')

    @contextmanager
    def optim_context(self, model):
        device = next(model.parameters()).device.type
        if device == 'cpu' and any(isinstance(m, torch.nn.Conv3d) for m in model.modules()):
            raise UserError("optim_wrapper.type='Bfloat16OptimWrapper' does not train 3D convolutions on a CPU: PyTorch's "
                            "gradients of them are wrong where an axis is down to two voxels; take type='OptimWrapper'")
        with super().optim_context(model), torch.autocast(device, torch.bfloat16):
            yield


def has_bfloat16():
    """Whether the GPU, or without one the CPU, computes in bfloat16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    probes = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return any(getattr(torch.cpu, probe, bool)() for probe in probes) or torch.backends.mps.is_available()


@SHELVES['OPTIM_WRAPPER_CONSTRUCTORS'].register_module()
class MergedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """mmengine's constructor, whose ``paramwise_cfg`` makes a group of every parameter, with equal groups put together.

    The steps are the same, and optimizer and schedules have two groups to go through instead of a hundred. Frozen parameters
    are left out.
    """

    def add_params(self, params, module, prefix='', is_dcn_module=None):
        super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:  # the call that has gone through all modules
            merged = {}
            for group in params:
                settings = {k: v for k, v in group.items() if k != 'params'}
                trained = [p for p in group['params'] if p.requires_grad]
                if trained:
                    merged.setdefault(tuple(sorted(settings.items())), {**settings, 'params': []})['params'] += trained
            params[:] = merged.values()
