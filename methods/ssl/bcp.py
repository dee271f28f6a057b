"""Bidirectional copy-paste."""
import torch

from scarceseg.components.functional import box_mask, draw_boxes, largest_parts, paste, pseudo_label
from scarceseg.components.labels import IGNORE
from scarceseg.registry import METHODS, UserError

from ..contract import method_needs
from ..passes import single, together


@METHODS.register_module()
@method_needs(networks='student teacher', parts='labeled unlabeled', losses='sup pseudo', terms='sup pseudo',
              untrained='teacher')
def bcp(nets, batch, losses, *, alone=0.0, side=2 / 3):
    """A box of a labelled image in an unlabelled one, and of an unlabelled one in a labelled one [Bai 2023].

    Half of each part is the ground, the other half gives the boxes. The student learns the labels where the mixed images are
    labelled and the teacher's classes, the largest component of each, where they are not. Before that, while ``alone`` is not 0,
    it learns labelled images alone, each with a box of another.

    Args:
        nets: ``student``; ``teacher``, its average.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space), ``unlabeled`` with ``image``; N is even in both.
        losses: ``sup(logits, label)``; ``pseudo(logits, label)``; each is given 255 for the voxels that are the other's.
        alone: 1 in the phase of pre-training on labelled images, else 0; a schedule.
        side: of the box, as a share of the image's.

    Returns:
        ``sup`` and ``pseudo``: scalars, the mean of both directions; in pre-training ``pseudo`` is 0.

    Raises:
        UserError: the parts are not of one even number of images, or ``side`` is no share.
    """
    labeled, unlabeled = batch['labeled'], batch['unlabeled']
    n, space = len(labeled['image']) // 2, labeled['image'].shape[2:]
    if not len(labeled['image']) == len(unlabeled['image']) == 2 * n:
        raise UserError(f'method bcp mixes halves of as many labelled as unlabelled images, but the batch has '
                        f'{len(labeled["image"])} and {len(unlabeled["image"])}; give both parts the same even number')
    if not 0 < side <= 1:
        raise UserError(f"side={side} of bcp is the share of an image's side that a box has, above 0 and up to 1")
    box = draw_boxes(1, space, share=(side ** sum(s > 1 for s in space),) * 2, stretch=1)
    box = box_mask(box, space).to(labeled['image'].device)
    if alone:
        image, label = (paste(labeled[key], labeled[key].roll(n, 0), box) for key in ('image', 'label'))
        logits = single(nets['student'](image), method='bcp')
        return dict(sup=losses['sup'](logits, label), pseudo=0 * logits.sum())
    with torch.no_grad():
        target = largest_parts(pseudo_label(single(nets['teacher'](unlabeled['image']), method='bcp')))
    images, labels = (labeled['image'].split(n), unlabeled['image'].split(n)), (labeled['label'].long().split(n), target.split(n))
    inwards, outwards = together(nets['student'], paste(images[1][0], images[0][0], box), paste(images[0][1], images[1][1], box))
    known = [labels[0][0].masked_fill(~box, IGNORE), labels[0][1].masked_fill(box, IGNORE)]
    guessed = [labels[1][0].masked_fill(box, IGNORE), labels[1][1].masked_fill(~box, IGNORE)]
    return {term: sum(losses[term](z, y) for z, y in zip((inwards, outwards), label)) / 2
            for term, label in (('sup', known), ('pseudo', guessed))}
