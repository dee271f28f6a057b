"""Parameter groups."""
from mmengine.optim import DefaultOptimWrapperConstructor

from scarceseg.registry import SHELVES


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
