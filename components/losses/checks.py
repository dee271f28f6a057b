"""What every loss asks of its tensors."""
from scarceseg.registry import UserError


def check_label(logits, label):
    """Raise UserError unless ``label`` is (N, *space) beside ``logits`` (N, C, *space)."""
    expected = (logits.shape[0], *logits.shape[2:])
    if tuple(label.shape) != expected:
        raise UserError(f'logits of shape {tuple(logits.shape)} (N, C, *space) need a label of shape {expected}, '
                        f'but it has {tuple(label.shape)}')
