"""Boundaries that walk at random."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from scarceseg.components.labels import IGNORE

from .checks import check_count, check_label, check_range, check_share, classes_in
from .morphology import keep_classes


def markov_walk(label, rng, *, steps=180, expand=0.8, flip=0.05, scatter=0.0, smooth=2.0, slices=False, classes=None):
    """Let the boundary of each class walk: errors that hang together in space and lean to one side [Yao 2023].

    In each step a class either grows, with probability ``expand``, or shrinks, and every voxel at its boundary (outside it, or
    inside it) takes part with probability ``flip``. The classes take turns, the lowest first. Growing takes voxels from
    background and from other classes; shrinking gives a voxel to one of its neighbours, so a voxel has one class, and no class
    appears where there was none near. A class is never taken away altogether. With one class and ``smooth=0`` this is the process
    of the paper.

    Args:
        label: (y, x) or (z, y, x) class indices, 0 the background; 255 stays.
        rng: numpy Generator; the result is a pure function of the label, its state and the settings.
        steps: of the walk, T in the paper.
        expand: θ1; above one half labels become too large, below too small.
        flip: θ2, how far and how raggedly the boundary moves.
        scatter: θ3, share of voxels anywhere that change to another class of the label at the end.
        smooth: standard deviation, in voxels, of the Gaussian window over whose voxels classes vote at the end, as a brush has a
            width; 0 leaves the walk's ragged edge.
        slices: the boundary walks within the slices of a volume, as where they are far apart; else in space.
        classes: whose boundaries walk; None: those of every class but the background.

    Returns:
        (*space) uint8.

    Raises:
        UserError: a label that is not 2D or 3D, or a setting out of range.
    """
    walked = check_label(label, 'markov_walk').copy()
    check_count('steps', steps, least=0)
    check_range('smooth', (0, smooth))
    for name, share in (('expand', expand), ('flip', flip), ('scatter', scatter)):
        check_share(name, share, zero=True)
    axes = range(1 if slices and walked.ndim == 3 else 0, walked.ndim)
    windows = {c: _window(walked == c) for c in classes_in(walked, classes)}
    counts = np.bincount(walked.ravel(), minlength=IGNORE + 1)
    for _ in range(steps):
        for c, window in windows.items():
            windows[c] = _grown(window, walked.shape)
            view = walked[windows[c]]
            if rng.random() < expand:
                _expand(view, c, flip, rng, counts, axes)
            else:
                _shrink(view, c, flip, rng, counts, axes)
            windows[c] = _inside(windows[c], _window(view == c))
    walked = _scattered(walked, scatter, rng) if scatter else walked
    return keep_classes(walked, _voted(walked, [smooth * (d in axes) for d in range(walked.ndim)])) if smooth else walked


def _window(mask):
    return ndimage.find_objects(mask.astype(np.uint8))[0]


def _grown(window, shape):
    return tuple(slice(max(s.start - 1, 0), min(s.stop + 1, n)) for s, n in zip(window, shape))


def _inside(outer, inner):
    return tuple(slice(o.start + i.start, o.start + i.stop) for o, i in zip(outer, inner))


def _beside(mask, axes):
    """Voxels (*space) bool that have a neighbour in ``mask`` along one of the axes."""
    found = np.zeros_like(mask)
    for axis in axes:
        lines, near = np.moveaxis(mask, axis, 0), np.moveaxis(found, axis, 0)
        near[1:] |= lines[:-1]
        near[:-1] |= lines[1:]
    return found


def _expand(view, c, flip, rng, counts, axes):
    """Voxels next to class c join it, in place, each with probability ``flip``."""
    inside = view == c
    edge = np.flatnonzero(_beside(inside, axes) & ~inside & (view != IGNORE))
    places = np.unravel_index(edge[rng.random(len(edge)) < flip], view.shape)
    former = view[places]
    last = np.flatnonzero(np.bincount(former, minlength=len(counts)) >= counts)  # a class keeps its last voxels
    takes = (former == 0) | ~np.isin(former, last)
    view[tuple(p[takes] for p in places)] = c
    counts -= np.bincount(former[takes], minlength=len(counts))
    counts[c] += takes.sum()


def _shrink(view, c, flip, rng, counts, axes):
    """Voxels of class c at its boundary take the class of a neighbour, in place, each with probability ``flip``."""
    other = (view != c) & (view != IGNORE)
    edge = np.argwhere(_beside(other, axes) & (view == c))
    chosen = edge[rng.random(len(edge)) < flip]
    if not len(chosen) or len(chosen) >= counts[c]:
        return
    taken = np.full(len(chosen), c, np.uint8)
    for direction in rng.permutation(2 * len(axes)):
        axis, step = axes[int(direction) // 2], int(direction) % 2
        place = chosen.copy()
        place[:, axis] = np.clip(place[:, axis] + 2 * step - 1, 0, view.shape[axis] - 1)
        neighbour = view[tuple(place.T)]
        taken = np.where((taken == c) & (neighbour != IGNORE), neighbour, taken)
    view[tuple(chosen.T)] = taken
    counts += np.bincount(taken, minlength=len(counts))
    counts[c] -= len(chosen)


def _scattered(label, share, rng):
    """The label with a share of its annotated voxels changed to another of its classes, each as likely."""
    known = classes_in(label, background=True)
    places = np.flatnonzero((rng.random(label.shape) < share) & (label != IGNORE))
    if len(known) > 1 and len(places):
        index = np.searchsorted(known, label.flat[places])
        label.flat[places] = np.array(known, np.uint8)[(index + rng.integers(1, len(known), len(places))) % len(known)]
    return label


def _voted(label, sigma):
    """Each voxel's most frequent class in a Gaussian window; unannotated voxels have no vote."""
    known = classes_in(label, background=True)
    votes = [ndimage.gaussian_filter((label == c).astype(np.float32), sigma) for c in known]
    return np.array(known, np.uint8)[np.argmax(votes, 0)] if known else label.copy()
