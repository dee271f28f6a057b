"""Losses on features."""
import torch
import torch.nn.functional as F

from scarceseg.registry import LOSSES, UserError

from .consistency import pair


@LOSSES.register_module()
def info_nce(features, positives, *, temperature=0.1):
    """Cross entropy of finding each feature's own positive among all positives, by cosine similarity [Oord 2018].

    ``-ln exp(s_ii / τ) / Σ_j exp(s_ij / τ)``, averaged over i.

    Args:
        features: (M, D).
        positives: (M, D), row i belonging to row i of the features; the other rows are its negatives.
        temperature: τ above 0.

    Returns:
        Scalar, float32; 0 for M = 0.

    Raises:
        UserError: the shapes differ or are not (M, D), or the temperature is not above 0.
    """
    if temperature <= 0:
        raise UserError(f'temperature={temperature} of info_nce must be above 0')
    if features.ndim != 2:
        raise UserError(f'info_nce takes features (M, D), a row each, but they have shape {tuple(features.shape)}')
    features, positives = pair(features, positives)
    with torch.autocast(features.device.type, enabled=False):
        similarity = F.normalize(features, dim=1) @ F.normalize(positives, dim=1).T / temperature
    own = torch.arange(len(similarity), device=similarity.device)
    return F.cross_entropy(similarity, own, reduction='sum') / max(len(own), 1)
