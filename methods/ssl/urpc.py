"""Uncertainty-rectified pyramid consistency."""
from scarceseg.components.functional import probabilities, rectified_consistency
from scarceseg.components.networks import resize
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import several, together


@METHODS.register_module()
@method_needs(networks='net', parts='labeled unlabeled', losses='sup', terms='sup consistency')
def urpc(nets, batch, losses):
    """The scales of one decoder agree with their mean, less so where they diverge from it [Luo 2022].

    ``mean_i L_sup(z_l,i, y) + λ mean_i [ Σ |p_i - p̄|² e^{-D_i} / Σ e^{-D_i} + mean D_i ]`` with ``D_i = KL(p_i ‖ p̄)``; see
    ``rectified_consistency``.

    Args:
        nets: ``net``, whose outputs in training are of several scales.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``, which every scale gets, interpolated to the image.

    Returns:
        ``sup`` and ``consistency``: scalars.

    Raises:
        UserError: the network has one output.
    """
    label, space = batch['labeled']['label'], batch['labeled']['image'].shape[2:]
    labeled, unlabeled = together(lambda image: several(nets['net'](image), method='urpc', networks='U-Nets with scales=4'),
                                  batch['labeled']['image'], batch['unlabeled']['image'])
    sup = sum(losses['sup'](resize(logits, space), label) for logits in labeled) / len(labeled)
    return dict(sup=sup, consistency=rectified_consistency([probabilities(resize(z, space)) for z in unlabeled]))
