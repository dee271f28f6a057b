"""Entropy minimisation."""
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import main, together
from ..supervision import supervise


@METHODS.register_module()
@method_needs(networks='net', parts='labeled unlabeled', losses='sup entropy', terms='sup entropy')
def entropy_minimization(nets, batch, losses):
    """Certain predictions of unlabelled images: ``L_sup(z_l, y) + λ H(z_u)`` [Grandvalet 2005].

    Args:
        nets: ``net``.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``entropy(logits)``.

    Returns:
        ``sup`` and ``entropy``: scalars.
    """
    labeled, unlabeled = together(nets['net'], batch['labeled']['image'], batch['unlabeled']['image'])
    return dict(sup=supervise(losses['sup'], labeled, batch['labeled']['label']),
                entropy=losses['entropy'](main(unlabeled)))
