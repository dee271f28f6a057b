"""Dynamically mixed pseudo labels."""
import torch

from scarceseg.components.functional import mixed_pseudo_label
from scarceseg.registry import METHODS

from ..contract import method_needs
from ..passes import several


@METHODS.register_module()
@method_needs(networks='dual', parts='scribbled', losses='sup pseudo', terms='sup pseudo')
def dmpls(nets, batch, losses):
    """Two decoders, each taught by the scribbles and by the class of a random mixture of both [Luo 2022].

    ``½ (pCE(z1, y) + pCE(z2, y)) + λ ½ (Dice(z1, ỹ) + Dice(z2, ỹ))`` with ``ỹ = argmax(β p1 + (1-β) p2)``, ``β ~ U(0, 1)`` anew
    each iteration, and no gradient through ``ỹ``.

    Args:
        nets: ``dual``, which returns two logits (N, C, *space).
        batch: ``scribbled`` with ``image`` (N, C, *space) and ``label`` (N, *space), 255 where not annotated.
        losses: ``sup(logits, label)``, ``pseudo(logits, label)``.

    Returns:
        ``sup`` and ``pseudo``: scalars.

    Raises:
        UserError: the network has not two outputs of one size.
    """
    image, scribble = batch['scribbled']['image'], batch['scribbled']['label']
    first, second = several(nets['dual'](image), most=2, alike=True, method='dmpls', networks='DualBranchUNet2D, DualBranchUNet3D')
    pseudo = mixed_pseudo_label(first, second, torch.rand((), device=image.device))
    return dict(sup=(losses['sup'](first, scribble) + losses['sup'](second, scribble)) / 2,
                pseudo=(losses['pseudo'](first, pseudo) + losses['pseudo'](second, pseudo)) / 2)
