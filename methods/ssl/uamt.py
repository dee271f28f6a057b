"""Uncertainty-aware mean teacher."""
import torch

from scarceseg.components.functional import clipped_noise, entropy_of, probabilities
from scarceseg.components.networks import dropout_active
from scarceseg.registry import METHODS, UserError

from ..contract import method_needs
from ..passes import main, together
from ..supervision import supervise


@METHODS.register_module()
@method_needs(networks='student teacher', parts='labeled unlabeled', losses='sup consistency', terms='sup consistency',
              untrained='teacher')
def uamt(nets, batch, losses, *, certain, passes=8, noise=0.1, at_once=None):
    """Mean teacher that is followed only where it is certain [Yu 2019].

    ``L_sup(z_l, y) + λ L_cons(p_s, p_t | u < certain)``, with ``u`` the entropy, as a share of the greatest possible, of the
    mean of several answers of the teacher under dropout and noise. All its answers are one batch, or few at once.

    Args:
        nets: ``student``; ``teacher``, its average, with dropout layers.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``.
        losses: ``sup(logits, label)``; ``consistency(prob, prob, mask)``.
        certain: in [0, 1], the uncertainty below which voxels count; the paper's is a ramp from ¾ to 1.
        passes: T, answers that are averaged, beside the one that is followed.
        noise: standard deviation of the noise on unlabelled images, which is cut off at twice as much.
        at_once: answers that go through the teacher together, 2 in the paper's code; default all. Fewer take less memory, and
            less time on a CPU, where large arrays are fetched anew from the system.

    Returns:
        ``sup`` and ``consistency``: scalars.

    Raises:
        UserError: there is not one pass, or none at once, or ``certain`` is no share.
    """
    if passes < 1 or passes != int(passes) or not 0 <= certain <= 1:
        raise UserError(f'passes={passes} of uamt must be a whole number, 1 or more, and certain={certain}, the uncertainty as a '
                        'share of the greatest possible, in [0, 1]')
    if at_once is not None and at_once < 1:
        raise UserError(f'at_once={at_once} of uamt must be 1 or more answers; leave it out for all')
    passes = int(passes)
    image = batch['unlabeled']['image']
    labeled, student = together(nets['student'], batch['labeled']['image'], clipped_noise(image, std=noise))
    with torch.no_grad(), dropout_active(nets['teacher']):
        noisy = clipped_noise(torch.cat([image] * (1 + passes)), std=noise).split((at_once or 1 + passes) * len(image))
        teacher, *answers = probabilities(torch.cat([main(nets['teacher'](few)) for few in noisy])).chunk(1 + passes)
        mask = entropy_of(sum(answers) / passes) < certain
    return dict(sup=supervise(losses['sup'], labeled, batch['labeled']['label']),
                consistency=losses['consistency'](probabilities(main(student)), teacher, mask))
