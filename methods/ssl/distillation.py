"""Knowledge distillation."""
import torch

from scarceseg.components.functional import probabilities
from scarceseg.registry import METHODS, UserError

from ..contract import method_needs
from ..passes import encode, joined, main, single


@METHODS.register_module()
@method_needs(networks='student teacher', parts='labeled unlabeled', losses='sup logits features', terms='sup logits features',
              pieces=dict(student='encoder decoder', teacher='encoder decoder'), untrained='teacher')
def distillation(nets, batch, losses, *, temperature=2.0, levels=(-1, -2)):
    """A network that learns from a trained one, of another kind or size: its soft answers and where its features are active.

    ``L_sup(z_l, y) + λ T² L(z_s / T, softmax(z_t / T)) + μ mean_k L(f_s,k, f_t,k)``, on labelled and unlabelled images alike
    [Hinton 2015] [Zagoruyko 2017]. The teacher is given in the config by ``pretrained`` and ``frozen=True``.

    Args:
        nets: ``student``, ``teacher``, each with ``encoder(image)``, a list of features, and ``decoder(features)``.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``logits(logits, prob)``; ``features(features, features)`` of maps that may differ in
            size and number of channels, such as ``attention_transfer``.
        temperature: T, which softens the probabilities.
        levels: indices of the encoders' levels that are compared.

    Returns:
        ``sup``, ``logits`` and ``features``: scalars.

    Raises:
        UserError: the temperature is not above 0, or a level is not there.
    """
    if temperature <= 0:
        raise UserError(f'temperature={temperature} of distillation must be above 0')
    image, label = batch['labeled']['image'], batch['labeled']['label']
    image, n = joined(image, batch['unlabeled']['image']), len(image)
    features = encode(nets['student'], image, method='distillation')
    logits = single(nets['student'].decoder(features), method='distillation')
    with torch.no_grad():
        guide = encode(nets['teacher'], image, method='distillation')
        target = probabilities(main(nets['teacher'].decoder(guide)).float() / temperature)
    fewest = min(len(features), len(guide))
    if not levels or not all(-fewest <= k < fewest for k in levels):
        raise UserError(f'levels={tuple(levels)} of distillation must be indices of levels that both encoders have; they have '
                        f'{len(features)} and {len(guide)}')
    return dict(sup=losses['sup'](logits[:n], label),
                logits=temperature ** 2 * losses['logits'](logits.float() / temperature, target),
                features=sum(losses['features'](features[k], guide[k]) for k in levels) / len(levels))
