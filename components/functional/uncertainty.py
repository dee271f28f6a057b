"""How unsure predictions are, and consistency that allows for it."""
import math

from ..losses.arithmetic import log
from ..losses.checks import precise
from ..losses.consistency import kl_divergence_map, mean_squared_error


def entropy_of(prob):
    """Entropy of each voxel's probabilities, ``-Σ_c p_c ln p_c / ln C``, in [0, 1]: (N, C, *space) to (N, *space) float32."""
    prob = precise(prob)
    return -(prob * log(prob)).sum(1) / math.log(max(prob.shape[1], 2))


def rectified_consistency(probs):
    """How far several predictions are from their mean, less so where they diverge from it [Luo 2022].

    ``mean_i [ Σ_v w_i |p_i - p̄|² / Σ_v w_i + mean_v D_i ]`` with ``w_i = e^{-D_i}`` and ``D_i = KL(p_i ‖ p̄)``, over all voxels v of
    the batch; the square is averaged over classes. The gradient goes through the mean and the weights too.

    Args:
        probs: several (N, C, *space) probabilities.

    Returns:
        Scalar, float32.
    """
    mean = sum(probs) / len(probs)
    divergences = [kl_divergence_map(prob, mean) for prob in probs]
    return sum(mean_squared_error(p, mean, (-d).exp()) + d.mean() for p, d in zip(probs, divergences)) / len(probs)
