"""What every loss asks of its tensors."""
from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def known_label(logits, label, ignore_index):
    """``label`` (N, *space) as int64, with implied background (254) as not annotated.

    Raises:
        UserError: the label does not have the shape that ``logits`` (N, C, *space) call for.
    """
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(label.shape) != expected:
        raise UserError(f'logits of shape {tuple(logits.shape)} (N, C, *space) need a label of shape {expected}, '
                        f'but it has {tuple(label.shape)}')
    label = label.long()
    return label if logits.shape[1] > IMPLIED else label.masked_fill(label == IMPLIED, ignore_index)
