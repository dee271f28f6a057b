"""From samples to a batch."""
import numpy as np
import torch

from scarceseg.registry import FUNCTIONS, UserError


@FUNCTIONS.register_module()
def collate_parts(samples):
    """Stack samples into ``{part: {'image': (N, C, *space) float32, 'label': (N, *space) int64, 'name': [N]}}``.

    Args:
        samples: list of (part, sample). Samples of one part have one shape. What is not an array or a string is kept
            as a list.

    Raises:
        UserError: samples of one part differ in shape.
    """
    parts = {}
    for part, sample in samples:
        parts.setdefault(part, []).append(sample)
    return {part: {key: _stack(part, key, [s[key] for s in group]) for key in group[0]} for part, group in parts.items()}


def _stack(part, key, values):
    if not isinstance(values[0], np.ndarray):
        return values
    shapes = {v.shape for v in values}
    if len(shapes) > 1:
        raise UserError(f'the {key}s of part {part!r} have different shapes {sorted(shapes)} and make no batch; end the '
                        'transforms with one that gives a fixed size, such as random_crop or random_affine')
    stacked = torch.from_numpy(np.stack(values))
    return stacked.long() if stacked.dtype == torch.uint8 else stacked
