"""Weak-to-strong consistency with two strong views and perturbed features."""
import torch

from scarceseg.components.functional import box_mask, draw_boxes, drop_channels, paste, pseudo_label
from scarceseg.registry import METHODS, UserError

from ..contract import method_needs
from ..passes import encode, joined, single

VIEWS = ('image_strong1', 'image_strong2')


@METHODS.register_module()
@method_needs(networks='net', parts='labeled unlabeled', losses='sup pseudo', terms='sup strong features',
              pieces=dict(net='encoder decoder'))
def unimatch(nets, batch, losses, *, confidence=0.95, dropout=0.5, share=(0.02, 0.4), mixing=0.5):
    """What a weak view is confidently seen as is learnt from two strong views and from dropped-out features [Yang 2023].

    ``½ (L_sup + ¼ L(s_1) + ¼ L(s_2) + ½ L_fp)``: the weights of ``sup``, ``strong`` (the mean of both views) and ``features`` are
    ½, ¼ and ¼. Strong views are mixed by CutMix within the batch, image i with image i - 1, and the pseudo label with them. The
    decoder sees weak and dropped-out features in one pass, the network both strong views in another.

    Args:
        nets: ``net`` with ``encoder(image)``, a list of features, and ``decoder(features)``.
        batch: ``labeled`` with ``image`` (N, C, *space) and ``label`` (N, *space); ``unlabeled`` with ``image``, the weak view, and
            ``image_strong1``, ``image_strong2``, the same voxels in other light; see ``transforms.views``.
        losses: ``sup(logits, label)``; ``pseudo(logits, label)``, the label being 255 where the network is not confident.
        confidence: probability of the likeliest class from which on a voxel counts.
        dropout: rate at which channels of the features are dropped.
        share, mixing: of a box in the image, and its probability; see ``draw_boxes``.

    Returns:
        ``sup``, ``strong`` and ``features``: scalars.

    Raises:
        UserError: the unlabelled part has no strong views.
    """
    net, labeled, unlabeled = nets['net'], batch['labeled'], batch['unlabeled']
    missing = [view for view in VIEWS if view not in unlabeled]
    if missing:
        raise UserError(f'method unimatch needs {", ".join(missing)} of the unlabelled images; make them by '
                        "part_transforms=dict(unlabeled=[dict(type='views', count=2, strong=[…])])")
    n, m = len(labeled['image']), len(unlabeled['image'])
    clean = encode(net, joined(labeled['image'], unlabeled['image']), method='unimatch')
    logits = single(net.decoder([torch.cat([f, drop_channels(f[n:], rate=dropout)]) for f in clean]), method='unimatch')
    target = pseudo_label(logits[n:n + m], confidence=confidence)
    mask = box_mask(draw_boxes(2 * m, target.shape[1:], share=share, probability=mixing), target.shape[1:]).to(target.device)
    views = [unlabeled[view] for view in VIEWS]
    mixture = paste(torch.cat(views), torch.cat([view.roll(1, 0) for view in views]), mask)
    strong = single(net.decoder(net.encoder(mixture)), method='unimatch')
    mixed = paste(torch.cat([target] * 2), torch.cat([target.roll(1, 0)] * 2), mask)
    return dict(sup=losses['sup'](logits[:n], labeled['label']), strong=losses['pseudo'](strong, mixed),
                features=losses['pseudo'](logits[n + m:], target))
