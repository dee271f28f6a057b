"""Cross teaching between networks of different kinds."""
from functools import partial

from scarceseg.components.functional import pseudo_label
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import single, together


@METHODS.register_module()
@method_needs(networks='cnn transformer', parts='labeled unlabeled', losses='sup pseudo', terms='sup pseudo')
def cross_teaching(nets, batch, losses, *, confidence=0.0):
    """A convolutional network and a transformer, each taught the classes that the other sees in unlabelled images [Luo 2022].

    ``Σ_i L_sup(z_l,i, y) + λ (L(z_u,1, argmax p_2) + L(z_u,2, argmax p_1))``, L being Dice in the paper. The convolutional network
    predicts; the transformer, better at what is far apart, only teaches.

    Args:
        nets: ``cnn``, ``transformer``.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``pseudo(logits, label)``.
        confidence: of the other network from which on its classes count; the paper takes them all.

    Returns:
        ``sup`` and ``pseudo``: scalars.
    """
    label = batch['labeled']['label']
    (cnn, cnn_u), (transformer, transformer_u) = (
        map(partial(single, method='cross_teaching'), together(nets[name], batch['labeled']['image'], batch['unlabeled']['image']))
        for name in ('cnn', 'transformer'))
    return dict(sup=losses['sup'](cnn, label) + losses['sup'](transformer, label),
                pseudo=losses['pseudo'](cnn_u, pseudo_label(transformer_u, confidence=confidence)) +
                losses['pseudo'](transformer_u, pseudo_label(cnn_u, confidence=confidence)))
