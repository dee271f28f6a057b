"""Cross pseudo supervision."""
from scarceseg.components.functional import pseudo_label
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import joined, single


@METHODS.register_module()
@method_needs(networks='first second', parts='labeled unlabeled', losses='sup pseudo', terms='sup pseudo')
def cps(nets, batch, losses, *, confidence=0.0):
    """Two networks, each taught by the labels and by the classes that the other sees [Chen 2021].

    ``Σ_i L_sup(z_i, y) + λ (L(z_1, argmax p_2) + L(z_2, argmax p_1))``, the latter on labelled and unlabelled images alike.

    Args:
        nets: ``first``, ``second``: of one kind, started otherwise.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``pseudo(logits, label)``.
        confidence: of the other network from which on its classes count; the paper takes them all.

    Returns:
        ``sup`` and ``pseudo``: scalars.
    """
    image, label = batch['labeled']['image'], batch['labeled']['label']
    image, n = joined(image, batch['unlabeled']['image']), len(image)
    first, second = (single(nets[name](image), method='cps') for name in ('first', 'second'))
    return dict(sup=losses['sup'](first[:n], label) + losses['sup'](second[:n], label),
                pseudo=losses['pseudo'](first, pseudo_label(second, confidence=confidence)) +
                losses['pseudo'](second, pseudo_label(first, confidence=confidence)))
