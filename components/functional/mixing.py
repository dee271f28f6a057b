"""Two samples in one: boxes, structures, or all voxels of a batch mixed into another.

Image and label move together, on the device they are on. A batch is mixed with another part's, or with itself in another order,
``image[order]``. What else lies on the grid, such as pseudo labels, soft labels and maps of confidence, is mixed by ``paste`` with
the same mask: ``box_mask`` of the boxes, ``structure_mask`` of the structures.
"""
import math

import torch
from scipy.special import betaincinv

from scarceseg.components.labels import IMPLIED
from scarceseg.registry import UserError


def draw_boxes(count, space, *, share=(0.02, 0.4), stretch=1.8, probability=1.0, generator=None):
    """Boxes of random size and shape at random places of images of ``space`` voxels.

    Args:
        count: of boxes.
        share: of the image's area or volume that a box has is drawn from this interval, as in [Yang 2023]; ((2/3)³, (2/3)³) with
            ``stretch=1`` are the boxes of BCP [Bai 2023]. A box is nowhere thinner than a voxel, and an axis of one voxel, as of
            a single slice, counts for nothing.
        stretch: each side is longer or shorter by a factor from [1/stretch, stretch], all then scaled to keep the share;
            a side that would leave the image ends with it.
        probability: of a box; else it is empty, of no voxels.
        generator: torch Generator, or None for the global one.

    Returns:
        (count, 2, D) int64, start and end of each box along each axis, the end outside; on the generator's device.

    Raises:
        UserError: a setting is out of range.
    """
    if not 0 <= share[0] <= share[1] <= 1 or stretch < 1 or not 0 <= probability <= 1:
        raise UserError(f'share={tuple(share)} of boxes must be an interval within [0, 1], stretch={stretch} not below 1, and '
                        f'probability={probability} in [0, 1]')
    settings = dict(generator=generator, device='cpu' if generator is None else generator.device)
    size = torch.tensor(tuple(space), device=settings['device'])
    long = size > 1
    part = share[0] + (share[1] - share[0]) * torch.rand(count, 1, **settings)
    shape = (2 * torch.rand(count, len(space), **settings) - 1) * math.log(stretch)
    sides = part ** (1 / max(sum(n > 1 for n in space), 1)) * (shape - shape[:, long].mean(1, keepdim=True)).exp()
    length = (torch.where(long, sides, 1).clamp(max=1) * size).round().clamp(min=1).long() * (part > 0)
    start = (torch.rand(count, len(space), **settings) * (size - length + 1)).long()
    length = length * (torch.rand(count, 1, **settings) < probability)
    return torch.stack([start, start + length], 1)


def box_mask(boxes, space):
    """(N, *space) bool, true inside the boxes (N, 2, D) of ``draw_boxes``."""
    mask = torch.ones((len(boxes), *space), dtype=torch.bool, device=boxes.device)
    for axis, n in enumerate(space):
        place = torch.arange(n, device=boxes.device)
        start, end = boxes[:, :, axis, None].unbind(1)
        inside = (place >= start) & (place < end)
        mask &= inside.view(len(boxes), *[n if a == axis else 1 for a in range(len(space))])
    return mask


def structure_mask(label, *, classes=None):
    """(N, *space) bool, true on the structures of (N, *space) class indices.

    Args:
        classes: that are meant; None is every class but 0. What is not annotated (254, 255) is none of them.
    """
    if classes is None:
        return (label > 0) & (label < IMPLIED)
    return torch.isin(label, torch.as_tensor(classes, dtype=label.dtype, device=label.device)) & (label < IMPLIED)


def paste(first, second, mask):
    """``second`` where the mask is true, ``first`` elsewhere.

    Args:
        first, second: (N, *space) or (N, C, *space) of one shape.
        mask: (N, *space) bool; N may be 1, one mask for all.

    Raises:
        UserError: the shapes do not fit.
    """
    channels = first.ndim - mask.ndim
    if first.shape != second.shape or channels not in (0, 1) or mask.shape[1:] != first.shape[1 + channels:]:
        raise UserError(f'tensors of shapes {tuple(first.shape)} and {tuple(second.shape)} cannot be mixed by a mask of shape '
                        f'{tuple(mask.shape)}; both must be (N, *space) or (N, C, *space), with the same space as the mask')
    return torch.where(mask[:, None] if channels else mask, second, first)


def cutmix(image_a, label_a, image_b, label_b, box):
    """The samples of batch a with a box of batch b in each [Yun 2019].

    Args:
        image_a, image_b: (N, C, *space).
        label_a, label_b: (N, *space) class indices, or (N, K, *space) soft labels; what is not annotated in b is not annotated in
            its box.
        box: (N, 2, D) start and end along each axis, see ``draw_boxes``, or (2, D), the same for all.

    Returns:
        (image, label).

    Raises:
        UserError: the shapes do not fit.
    """
    space = image_a.shape[2:]
    box = torch.as_tensor(box, device=image_a.device)
    box = box[None] if box.ndim == 2 else box
    if box.ndim != 3 or box.shape[1:] != (2, len(space)) or len(box) not in (1, len(image_a)):
        raise UserError(f'a box of shape {tuple(box.shape)} does not fit images of shape {tuple(image_a.shape)}; it must be '
                        f'{(len(image_a), 2, len(space))}, the start and end along each axis')
    mask = box_mask(box, space)
    return paste(image_a, image_b, mask), paste(label_a, label_b, mask)


def copy_paste(image_a, label_a, image_b, label_b, *, classes=None):
    """The samples of batch a with the structures of batch b pasted over them, where they are in b [Ghiasi 2021].

    Args:
        image_a, image_b: (N, C, *space).
        label_a, label_b: (N, *space) class indices; what is not annotated (254, 255) is never pasted.
        classes: that are pasted, see ``structure_mask``.

    Returns:
        (image, label).

    Raises:
        UserError: the shapes do not fit.
    """
    mask = structure_mask(label_b, classes=classes)
    return paste(image_a, image_b, mask), paste(label_a, label_b, mask)


def draw_ratios(count, *, alpha=0.2, generator=None):
    """(count,) float32 from the Beta(alpha, alpha) distribution, by inverting it; on the generator's device.

    Raises:
        UserError: ``alpha`` is not above 0.
    """
    if not alpha > 0:
        raise UserError(f'alpha={alpha} of the Beta distribution must be above 0')
    device = 'cpu' if generator is None else generator.device
    uniform = torch.rand(count, generator=generator, device=device)
    return torch.from_numpy(betaincinv(alpha, alpha, uniform.double().cpu().numpy())).float().to(device)


def mixup(first, second, ratio):
    """``ratio`` of the first and the rest of the second, voxel by voxel [Zhang 2017].

    Labels are mixed as one-hot maps or probabilities, 0 in all classes where nothing is annotated: so the cross entropy of the
    mixture is the mixture of the two, each over its own annotated voxels. With class indices mix the two losses instead.

    Args:
        first, second: (N, …) floating point, of one shape.
        ratio: in [0, 1], a number or (N,); see ``draw_ratios``.

    Raises:
        UserError: the shapes differ, or they are whole numbers.
    """
    if first.shape != second.shape or not (first.is_floating_point() and second.is_floating_point()):
        raise UserError(f'mixup needs two floating-point tensors of one shape, but got {tuple(first.shape)} {first.dtype} and '
                        f'{tuple(second.shape)} {second.dtype}; make labels one-hot before')
    ratio = torch.as_tensor(ratio, dtype=first.dtype, device=first.device)
    return torch.lerp(second, first, ratio.view(-1, *[1] * (first.ndim - 1)))
