"""Transforms of transforms.

Each has a setting ``foreground``, which holds for all in it that place a view and have one too: through it the batch sampler's
share of samples with foreground reaches them. None leaves them their own.
"""
from __future__ import annotations

import inspect

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_count, check_least, check_probability
from .fields import STRONG


@TRANSFORMS.register_module()
def sometimes(sample, rng, *, transforms, probability=0.5, foreground=None):
    """All of ``transforms``, in their order, with ``probability``; else none."""
    check_probability('sometimes', 'probability', probability)
    transforms = _listed('sometimes', transforms)
    return run(sample, rng, transforms, foreground) if rng.random() < probability else sample


@TRANSFORMS.register_module()
def one_of(sample, rng, *, transforms, weights=None, foreground=None):
    """One of ``transforms``, chosen at random.

    Args:
        weights: how likely each is beside the others; None makes all alike.
    """
    transforms = _listed('one_of', transforms)
    weights = [1] * len(transforms) if weights is None else weights
    check_least('one_of', 'weights', weights, 0)
    if len(weights) != len(transforms) or not sum(weights) > 0:
        raise UserError(f'one_of needs a weight for each of its {len(transforms)} transforms, not all 0, but got weights={weights}')
    shares = [w / sum(weights) for w in weights]
    return run(sample, rng, [transforms[rng.choice(len(transforms), p=shares)]], foreground)


@TRANSFORMS.register_module()
def views(sample, rng, *, strong, weak=(), count=1, foreground=None):
    """A weak view of the sample, and strong views of the same voxels [Sohn 2020].

    ``image``, and with it label and all, becomes the weak view; ``image_strong1`` … ``image_strong{count}`` (C, *space) are the
    weak view's image under ``strong``, drawn anew for each. Spatial transforms behind this one move all views alike, those of
    intensities change ``image`` alone.

    Args:
        strong: transforms of intensities.
        weak: any transforms, such as ``random_affine``.
        count: of strong views: 1, or 2 for UniMatch [Yang 2023].

    Raises:
        UserError: a strong transform moves voxels, or changes the label or anything else but the image.
    """
    check_count('views', 'count', count)
    weak, strong = _listed('views', weak), _listed('views', strong)
    sample = run(sample, rng, weak, foreground)
    out = dict(sample)
    for k in range(1, count + 1):
        seen = run(sample, rng, strong)
        changed = sorted(key for key in sample.keys() | seen.keys() if key != 'image' and seen.get(key) is not sample.get(key))
        if changed or seen['image'].shape != sample['image'].shape:
            raise UserError(f'a strong view must show the voxels of the weak one under the same label, but one of '
                            f'{", ".join(map(_name, strong))} changes {", ".join(changed) or "the shape"}; put it into weak')
        out[f'{STRONG}{k}'] = seen['image']
    return out


def run(sample, rng, transforms, foreground=None):
    """The sample after each of several transforms, those that can be made to show foreground with that probability."""
    for transform in transforms:
        focused = foreground is not None and 'foreground' in inspect.signature(transform).parameters
        sample = transform(sample, rng, foreground=foreground) if focused else transform(sample, rng)
    return sample


def _listed(owner, transforms):
    found = list(transforms) if isinstance(transforms, (list, tuple)) else [transforms]
    for one in found:
        if not callable(one):
            raise UserError(f'{owner} takes transforms, which in a config are written dict(type=…, …), but got {one!r}')
    return found


def _name(transform):
    return getattr(getattr(transform, 'func', transform), '__name__', str(transform))
