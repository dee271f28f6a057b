"""What every loss asks of its tensors."""
import torch

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def known_label(logits, label, ignore_index):
    """``label`` (N, *space) as int64, with implied background (254) as not annotated.

    Raises:
        UserError: the label does not have the shape that ``logits`` (N, C, *space) call for, or ``logits`` are no tensor.
    """
    if not torch.is_tensor(logits):
        raise UserError(f'the loss was given {len(logits)} outputs of a network together; name a loss that takes them, such as '
                        "dict(type='deep_supervision', loss=dict(type='dice_ce'))")
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(label.shape) != expected:
        raise UserError(f'logits of shape {tuple(logits.shape)} (N, C, *space) need a label of shape {expected}, '
                        f'but it has {tuple(label.shape)}')
    label = label.long()
    return label if logits.shape[1] > IMPLIED else label.masked_fill(label == IMPLIED, ignore_index)


def precise(tensor):
    """The tensor in float32 where it is half precision; float32 and float64 stay as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
