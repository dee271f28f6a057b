"""Cross-consistency training."""
from scarceseg.components.functional import probabilities
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import encode, joined, single


@METHODS.register_module()
@method_needs(networks='net', parts='labeled unlabeled', losses='sup consistency', terms='sup consistency',
              pieces=dict(net='encoder decoder auxiliary'))
def cct(nets, batch, losses):
    """Auxiliary decoders, which see perturbed features, follow the main one on unlabelled images [Ouali 2020].

    ``L_sup(z_l, y) + λ mean_k L_cons(p_k, p_main)``, without gradient through ``p_main``. Labelled images go through the main
    decoder only.

    Args:
        nets: ``net`` with ``encoder(image)``, ``decoder(features)`` and ``auxiliary(features)``, a list of logits.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``consistency(prob, prob)``.

    Returns:
        ``sup`` and ``consistency``: scalars.
    """
    net, image, n = nets['net'], batch['labeled']['image'], len(batch['labeled']['image'])
    features = encode(net, joined(image, batch['unlabeled']['image']), method='cct')
    main = single(net.decoder(features), method='cct')
    target = probabilities(main[n:].detach())
    apart = [losses['consistency'](probabilities(z), target) for z in net.auxiliary([f[n:] for f in features])]
    return dict(sup=losses['sup'](main[:n], batch['labeled']['label']), consistency=sum(apart) / len(apart))
