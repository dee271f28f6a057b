"""What every loss asks of its tensors."""
import torch

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def takes_outputs(loss):
    """Mark a loss that takes all outputs of a network together, as a tuple, in the place of logits."""
    loss.takes_outputs = True
    return loss


def takes_image(loss):
    """Mark a loss that takes the image (N, K, *space) behind the logits."""
    loss.takes_image = True
    return loss


def one_output(logits):
    """The logits themselves, where they are one tensor.

    Raises:
        UserError: they are several.
    """
    if not torch.is_tensor(logits):
        raise UserError(f'the loss was given {len(logits)} outputs of a network together; name a loss that takes them, such as '
                        "dict(type='deep_supervision', loss=dict(type='dice_ce'))")
    return logits


def known_label(logits, label, ignore_index):
    """``label`` (N, *space) as int64, with implied background (254) as not annotated.

    Raises:
        UserError: the label does not have the shape that ``logits`` (N, C, *space) call for, or ``logits`` are no tensor.
    """
    expected = (one_output(logits).shape[0], *logits.shape[2:])
    if tuple(label.shape) != expected:
        raise UserError(f'logits of shape {tuple(logits.shape)} (N, C, *space) need a label of shape {expected}, '
                        f'but it has {tuple(label.shape)}')
    label = label.long()
    return label if logits.shape[1] > IMPLIED else label.masked_fill(label == IMPLIED, ignore_index)


def precise(tensor):
    """The tensor in float32 where it is half precision; float32 and float64 stay as they are."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def check_space(name, tensor, logits):
    """Raise UserError where a map (N, *space) does not have the shape that ``logits`` (N, C, *space) call for."""
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(tensor.shape) != expected:
        raise UserError(f'{name} has shape {tuple(tensor.shape)}, but beside logits of shape {tuple(logits.shape)} (N, C, *space) '
                        f'it must be {expected}')


def check_within(name, value, low, high):
    """Raise UserError where a setting is outside [low, high]."""
    if not low <= value <= high:
        raise UserError(f'{name}={value} of the loss must lie in [{low}, {high}]')


def per_axis(name, values, space):
    """One number per axis of space: ``values`` themselves, or the same number for all.

    Raises:
        UserError: their number is not that of the axes.
    """
    values = (values,) * len(space) if isinstance(values, (int, float)) else tuple(values)
    if len(values) != len(space):
        raise UserError(f'{name}={values} has {len(values)} numbers, but the image has {len(space)} axes of space, {tuple(space)}')
    return values


def per_class(name, values, logits):
    """One number per class as a tensor (C,) of the precision and device of ``logits``, or None where there are none.

    Raises:
        UserError: their number is not that of the classes.
    """
    if values is None:
        return None
    if len(values) != logits.shape[1]:
        raise UserError(f'{name}={tuple(values)} has {len(values)} numbers, but the network has {logits.shape[1]} classes; '
                        'give one for each, background too')
    return torch.as_tensor(values, dtype=torch.promote_types(logits.dtype, torch.float32), device=logits.device)
