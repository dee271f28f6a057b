"""Mutual consistency."""
from itertools import permutations

from scarceseg.components.functional import probabilities, sharpen
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import joined, several


@METHODS.register_module()
@method_needs(networks='net', parts='labeled unlabeled', losses='sup consistency', terms='sup consistency')
def mcnet(nets, batch, losses, *, temperature=0.1):
    """Two or three decoders on one encoder, each following the others' sharpened probabilities [Wu 2021] [Wu 2022].

    ``Σ_i L_sup(z_i, y) + λ Σ_{i≠j} L_cons(p_i, sharpen(p_j))``, the latter on labelled and unlabelled images alike, without
    gradient through what is followed.

    Args:
        nets: ``net`` with two or more outputs of full size, from decoders that upsample differently.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``consistency(prob, prob)``.
        temperature: T of the sharpening.

    Returns:
        ``sup`` and ``consistency``: scalars.

    Raises:
        UserError: the network has one output, or they differ in size.
    """
    image, label = batch['labeled']['image'], batch['labeled']['label']
    outputs = nets['net'](joined(image, batch['unlabeled']['image']))
    outputs = several(outputs, alike=True, method='mcnet', networks='MultiDecoderUNet')
    probs = [probabilities(logits) for logits in outputs]
    sharp = [sharpen(prob.detach(), temperature=temperature) for prob in probs]
    return dict(sup=sum(losses['sup'](logits[:len(image)], label) for logits in outputs),
                consistency=sum(losses['consistency'](p, q) for (p, _), (_, q) in permutations(zip(probs, sharp), 2)))
