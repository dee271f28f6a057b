"""Prediction window by window."""
from __future__ import annotations

import itertools
import math
from functools import lru_cache

import torch
import torch.nn.functional as F

from scarceseg.registry import INFERERS, UserError


@INFERERS.register_module()
def sliding_window(predict, image, *, window, overlap=0.5, batch_size=8, sigma=0.125):
    """Probabilities of a whole image from those of windows, batched; 2D networks see an axis of window 1 as slices.

    Where the windows overlap they are averaged with Gaussian weights, so that a window counts most in its middle
    [Isensee 2021]. The grid is the smallest whose neighbours overlap by at least ``overlap``. An image smaller than the
    window is padded with its minimum, and the result is cut back.

    Args:
        predict: (N, C, *window) to probabilities (N, K, *window); axes of window 1 are left out of both.
        image: (1, C, *space).
        window: voxels along each axis of space, None for all of it: (1, None, None) predicts whole slices with a 2D network,
            (1, 224, 224) windows of slices, (112, 96, 72) blocks with a 3D network.
        overlap: share of a window that its neighbour covers too, in [0, 1); not for axes of window 1.
        batch_size: windows in one forward pass.
        sigma: standard deviation of the weights as a share of the window; None for equal weights.

    Returns:
        (1, K, *space).

    Raises:
        UserError: ``window`` has another number of axes than the image's space.
    """
    space = image.shape[2:]
    if len(window) != len(space):
        raise UserError(f'window={tuple(window)} has {len(window)} axes, but the image has {len(space)}, {tuple(space)}; '
                        'set inferer.window in the config')
    if not 0 <= overlap < 1:
        raise UserError(f'overlap={overlap} of the sliding window must lie in [0, 1)')
    window = tuple(n if w is None else int(w) for w, n in zip(window, space))
    padding = [max(w - n, 0) for w, n in zip(window, space)]
    if any(padding):
        widths = [p for m in reversed(padding) for p in (m // 2, m - m // 2)]
        image = F.pad(image, widths, value=float(image.min()))
    whole = _accumulate(predict, image, window, overlap, batch_size, sigma)
    return whole[(..., *(slice(m // 2, m // 2 + n) for m, n in zip(padding, space)))]


def _accumulate(predict, image, window, overlap, batch_size, sigma):
    """Weighted mean of the windows' probabilities: (1, K, *space)."""
    space = image.shape[2:]
    starts = [window_starts(n, w, overlap) for n, w in zip(space, window)]
    boxes = [tuple(slice(s, s + w) for s, w in zip(start, window)) for start in itertools.product(*starts)]
    thin = [d + 2 for d, w in enumerate(window) if w == 1]
    overlapping = any(s[i + 1] < s[i] + w for s, w in zip(starts, window) for i in range(len(s) - 1))
    weight = window_weight(window, sigma if overlapping else None).to(image.device)
    total = norm = None
    for k in range(0, len(boxes), batch_size):
        group = boxes[k:k + batch_size]
        views = torch.cat([image[(slice(None), slice(None), *box)] for box in group])
        prob = predict(views.squeeze(thin) if thin else views)
        for axis in thin:
            prob = prob.unsqueeze(axis)
        if total is None:
            total = prob.new_zeros((1, prob.shape[1], *space))
            norm = prob.new_zeros(space) if overlapping else None
        for p, box in zip(prob, group):
            if not overlapping:
                total[0][(slice(None), *box)] = p
            else:
                total[0][(slice(None), *box)] += p * weight
                norm[box] += weight
    return total.div_(norm) if overlapping else total


def window_starts(length, window, overlap):
    """First voxel of each window along one axis: the fewest that cover it with at least this overlap, evenly spread."""
    if length <= window:
        return [0]
    stride = window if window == 1 else max(int(window * (1 - overlap)), 1)
    count = math.ceil((length - window) / stride) + 1
    return [round(i * (length - window) / (count - 1)) for i in range(count)]


@lru_cache(maxsize=8)
def window_weight(window, sigma):
    """Weight of each voxel of a window, about 1 in the middle and at least 0.001: a tensor of the window's shape."""
    weight = torch.ones(window)
    if sigma is None:
        return weight
    for axis, n in enumerate(window):
        offset = torch.arange(n, dtype=torch.float32) - (n - 1) / 2
        line = torch.exp(-0.5 * (offset / max(sigma * n, 1e-6)) ** 2) if n > 1 else torch.ones(1)
        weight = weight * line.reshape([-1 if d == axis else 1 for d in range(len(window))])
    return weight.clamp_min(1e-3)
