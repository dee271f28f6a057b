"""Transforms of transforms."""
from __future__ import annotations

from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_probability
from .fields import STRONG


@TRANSFORMS.register_module()
def sometimes(sample, rng, *, transforms, probability=0.5):
    """All of ``transforms``, in their order, with ``probability``; else none."""
    check_probability('probability', probability)
    return run(sample, rng, transforms) if rng.random() < probability else sample


@TRANSFORMS.register_module()
def one_of(sample, rng, *, transforms, weights=None):
    """One of ``transforms``, chosen at random.

    Args:
        weights: how likely each is beside the others; None makes all alike.
    """
    transforms = _listed(transforms)
    if not transforms or weights is not None and (len(weights) != len(transforms) or min(weights) < 0 or not sum(weights) > 0):
        raise UserError(f'one_of needs transforms, and a weight of 0 or more for each, but got {len(transforms)} transforms and '
                        f'weights={weights}')
    shares = None if weights is None else [w / sum(weights) for w in weights]
    return transforms[rng.choice(len(transforms), p=shares)](sample, rng)


@TRANSFORMS.register_module()
def views(sample, rng, *, strong, weak=(), count=1):
    """A weak view of the sample, and strong views of the same voxels [Sohn 2020].

    ``image``, and with it label and all, becomes the weak view; ``image_strong1`` … ``image_strong{count}`` (C, *space) are the
    weak view's image under ``strong``, drawn anew for each. Spatial transforms behind this one move all views alike, those of
    intensities change ``image`` alone.

    Args:
        strong: transforms of intensities.
        weak: any transforms, such as ``random_affine``.
        count: of strong views: 1, or 2 for UniMatch [Yang 2023].

    Raises:
        UserError: a strong transform moves voxels, or changes the label.
    """
    if count < 1 or count != int(count):
        raise UserError(f'count={count} of views must be a whole number of strong views, 1 or more')
    sample = run(sample, rng, weak)
    out = dict(sample)
    for k in range(1, int(count) + 1):
        seen = run(sample, rng, strong)
        if len(seen.get('history', ())) != len(sample.get('history', ())) or seen.get('label') is not sample.get('label'):
            names = ', '.join(map(_name, _listed(strong)))
            raise UserError(f'a strong view must show the voxels of the weak one under the same label, but one of {names} moves '
                            'voxels or changes the label; such a transform belongs in weak')
        out[f'{STRONG}{k}'] = seen['image']
    return out


def run(sample, rng, transforms):
    """The sample after each of several transforms."""
    for transform in _listed(transforms):
        sample = transform(sample, rng)
    return sample


def _listed(transforms):
    return list(transforms) if isinstance(transforms, (list, tuple)) else [transforms]


def _name(transform):
    return getattr(getattr(transform, 'func', transform), '__name__', str(transform))
