"""Mean teacher."""
import torch

from scarceseg.components.functional import clipped_noise, probabilities
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import main, together
from ..supervision import supervise


@METHODS.register_module()
@method_needs(networks='student teacher', parts='labeled unlabeled', losses='sup consistency', terms='sup consistency',
              untrained='teacher')
def mean_teacher(nets, batch, losses, *, noise=0.1):
    """A student that agrees with the moving average of its own weights, both seeing other noise [Tarvainen 2017].

    ``L_sup(z_l, y) + λ L_cons(p_s(x_u + ε), p_t(x_u + ε'))``, without gradient through ``p_t``.

    Args:
        nets: ``student``; ``teacher``, its average.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``consistency(prob, prob)``.
        noise: standard deviation of the noise on unlabelled images, which is cut off at twice as much.

    Returns:
        ``sup`` and ``consistency``: scalars.
    """
    image = batch['unlabeled']['image']
    labeled, student = together(nets['student'], batch['labeled']['image'], clipped_noise(image, std=noise))
    with torch.no_grad():
        teacher = probabilities(main(nets['teacher'](clipped_noise(image, std=noise))))
    return dict(sup=supervise(losses['sup'], labeled, batch['labeled']['label']),
                consistency=losses['consistency'](probabilities(main(student)), teacher))
