"""Training on annotated voxels."""
import torch

from scarceseg.registry import METHODS

from ..contract import method_needs
from ..supervision import supervise


@METHODS.register_module()
@method_needs(networks='net', losses='sup', terms='sup')
def supervised(nets, batch, losses):
    """The loss ``sup`` on every annotated part of the batch, in one forward pass.

    With full labels this is full supervision; with scribbles, whose other voxels the loss ignores, cross entropy becomes
    partial cross entropy [Tang 2018]. A network with several outputs is supervised at each, on average, or as
    a loss for several outputs says, such as ``deep_supervision``.

    Args:
        nets: ``net``.
        batch: any parts with ``image`` (N, C, *space) and ``label`` (N, *space).
        losses: ``sup(logits, label)``.

    Returns:
        ``sup``: scalar.
    """
    parts = [part for part in batch.values() if 'label' in part]
    image = torch.cat([part['image'] for part in parts])
    label = torch.cat([part['label'] for part in parts])
    return dict(sup=supervise(losses['sup'], nets['net'](image), label))
