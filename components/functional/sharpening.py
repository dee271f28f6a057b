"""Sharpening of probabilities."""
from scarceseg.registry import UserError

from ..losses.arithmetic import log
from ..losses.checks import precise


def sharpen(prob, *, temperature):
    """``p_c^(1/T) / Σ_k p_k^(1/T)``: nearer to the likeliest class the lower the temperature [Berthelot 2019].

    Args:
        prob: (N, C, *space) probabilities.
        temperature: T above 0; 1 changes nothing.

    Returns:
        (N, C, *space) float32, with the gradient of the formula; detach it where it is a target.

    Raises:
        UserError: the temperature is not above 0.
    """
    if temperature <= 0:
        raise UserError(f'temperature={temperature} of sharpen must be above 0')
    return (log(precise(prob)) / temperature).softmax(1)
