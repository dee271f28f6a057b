"""How annotation teaches a network."""
from scarceseg.registry import UserError


def supervise(loss, outputs, label):
    """The loss of a network's output; of several outputs the mean of their losses, unless the loss takes them together.

    Args:
        loss: a bound function of LOSSES.
        outputs: logits (N, C, *space), or a tuple of them.
        label: (N, *space).

    Returns:
        Scalar.

    Raises:
        UserError: the outputs differ in size and the loss takes one at a time.
    """
    if getattr(getattr(loss, 'func', loss), 'takes_outputs', False):
        return loss(outputs if isinstance(outputs, tuple) else (outputs,), label)
    if not isinstance(outputs, tuple):
        return loss(outputs, label)
    sizes = sorted({tuple(z.shape[2:]) for z in outputs}, reverse=True)
    if len(sizes) > 1:
        raise UserError(f'the network has outputs of sizes {", ".join(map(str, sizes))}, and the loss takes one at a time; put '
                        'it into dict(type="deep_supervision", loss=…), or set scales=1 in the network')
    return sum(loss(logits, label) for logits in outputs) / len(outputs)
