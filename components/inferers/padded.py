"""Prediction by networks that take certain sizes only."""
import torch.nn.functional as F

from scarceseg.registry import INFERERS, UserError


@INFERERS.register_module()
def padded(predict, image, *, divisor=32):
    """Predict the image padded to multiples of ``divisor``, as many networks of other libraries ask, and cut the result back.

    It belongs behind the sliding window, next to the network: [dict(type='sliding_window', window=(1, None, None)),
    dict(type='padded', divisor=32)].

    Args:
        predict: (N, C, *space) to probabilities (N, K, *space).
        image: (N, C, *space); what is added on both sides is the image's minimum.
        divisor: voxels, one number, or one for each axis of space.

    Returns:
        (N, K, *space) of the image's size.

    Raises:
        UserError: ``divisor`` does not fit the image's axes.
    """
    space = image.shape[2:]
    divisors = [divisor] * len(space) if isinstance(divisor, int) else divisor
    if len(divisors) != len(space) or min(divisors) < 1:
        raise UserError(f'divisor={divisor!r} of padded must be a positive number, or one for each of the {len(space)} axes '
                        f'of {tuple(space)}')
    missing = [-n % d for n, d in zip(space, divisors)]
    if not any(missing):
        return predict(image)
    widths = [p for m in reversed(missing) for p in (m // 2, m - m // 2)]
    prob = predict(F.pad(image, widths, value=float(image.min())))
    return prob[(..., *(slice(m // 2, m // 2 + n) for m, n in zip(missing, space)))]
