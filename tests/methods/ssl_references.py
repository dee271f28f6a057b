"""Formulas written out in NumPy, voxel by voxel, and networks whose answers are given."""
import math

import numpy as np
import torch
from torch import nn

from scarceseg.components.labels import IGNORE
from scarceseg.registry import LOSSES, METHODS

CLASSES = 3
SPACES = [(4, 6), (2, 4, 6)]


class Given(nn.Module):
    """A network that gives its answers, one for each call, and notes what it was asked and whether with autograd."""

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.asked, self.recording = answers, [], []

    def forward(self, image):
        self.asked.append(image)
        self.recording.append(torch.is_grad_enabled())
        answer = self.answers[len(self.asked) - 1]
        return answer if self.recording[-1] else plain(answer)


def plain(answer):
    """What a network gives without autograd."""
    return type(answer)(map(plain, answer)) if isinstance(answer, (tuple, list)) else answer.detach()


class Pieces(nn.Module):
    """A network of given pieces; as a whole it may not be asked."""

    def __init__(self, **pieces):
        super().__init__()
        for name, piece in pieces.items():
            setattr(self, name, piece)

    def forward(self, image):
        raise AssertionError('the method was to call the pieces')


class Draws:
    """Tensors from one generator: ``logits(4)`` of four samples, which are leaves, ``images(2)``, ``labels(2)``."""

    def __init__(self, space, seed=0):
        self.space, self.g = space, torch.Generator().manual_seed(seed)

    def logits(self, samples, scale=2.0, channels=CLASSES):
        return (scale * torch.randn(samples, channels, *self.space, generator=self.g)).requires_grad_()

    def images(self, samples):
        return torch.randn(samples, 1, *self.space, generator=self.g)

    def labels(self, samples):
        return torch.randint(0, CLASSES, (samples, *self.space), generator=self.g)

    def batch(self, labeled=2, unlabeled=2):
        return dict(labeled=dict(image=self.images(labeled), label=self.labels(labeled)),
                    unlabeled=dict(image=self.images(unlabeled)))


def run(name, nets, batch, losses, **settings):
    """The terms of a method: losses are names on the shelf, or functions."""
    bound = {key: LOSSES.build(dict(type=loss)) if isinstance(loss, str) else loss for key, loss in losses.items()}
    return METHODS.build(dict(type=name, **settings))(nets, batch, bound)


def array(tensor):
    return tensor.detach().double().numpy() if torch.is_tensor(tensor) else np.asarray(tensor)


def softmax(z):
    e = np.exp(array(z) - array(z).max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def rows(p):
    """(N, C, *space) to one row of classes per voxel."""
    return np.moveaxis(array(p), 1, -1).reshape(-1, p.shape[1])


def ce(z, label):
    """Mean of -ln p of the voxels with a class."""
    values = [-math.log(p[y]) for p, y in zip(rows(softmax(z)), array(label).astype(int).ravel()) if y != IGNORE]
    return sum(values) / max(len(values), 1)


def dice(z, label):
    """One minus the mean over classes of the Dice of probabilities, all samples together, of the voxels with a class."""
    pairs = [(p, y) for p, y in zip(rows(softmax(z)), array(label).astype(int).ravel()) if y != IGNORE]
    scores = []
    for c in range(z.shape[1]):
        both, size = sum(p[c] for p, y in pairs if y == c), sum(p[c] for p, _ in pairs) + sum(y == c for _, y in pairs)
        scores.append((2 * both + 1e-5) / (size + 1e-5))
    return 1 - sum(scores) / len(scores)


def half(z, label):
    return dice(z, label) / 2 + ce(z, label) / 2


def mse(p, q, mask=None):
    """Mean over the classes and the voxels of the mask."""
    mask = np.ones(len(rows(p)), bool) if mask is None else array(mask).astype(bool).ravel()
    values = [(a - b) ** 2 for one, other, use in zip(rows(p), rows(q), mask) if use for a, b in zip(one, other)]
    return sum(values) / max(len(values), 1)


def entropy(p):
    """Of each voxel, as a share of ln C: (N, *space)."""
    values = [-sum(a * math.log(a) for a in row) / math.log(p.shape[1]) for row in rows(p)]
    return np.reshape(values, (p.shape[0], *p.shape[2:]))


def kl(p, q):
    """Of each voxel, Σ p ln(p/q)."""
    return [sum(a * math.log(a / b) for a, b in zip(one, other)) for one, other in zip(rows(p), rows(q))]


def sharpened(p, temperature):
    powers = array(p) ** (1 / temperature)
    return powers / powers.sum(1, keepdims=True)


def rectified(probs):
    """URPC's consistency, from its formula."""
    mean, parts = sum(probs) / len(probs), []
    for p in probs:
        divergence = kl(p, mean)
        weights = [math.exp(-d) for d in divergence]
        squares = [((one - other) ** 2).mean() for one, other in zip(rows(p), rows(mean))]
        parts.append(sum(s * w for s, w in zip(squares, weights)) / sum(weights) + sum(divergence) / len(divergence))
    return sum(parts) / len(parts)


def confident(z, least):
    """Likeliest class of each voxel, and 255 where its probability is below ``least``."""
    p = softmax(z)
    return np.where(p.max(1) >= least, p.argmax(1), IGNORE)


def in_box(box, place):
    """Whether a voxel lies in a box (2, D)."""
    return all(start <= at < end for start, end, at in zip(*box.tolist(), place))


def pasted(ground, other, box):
    """``other`` in the box, ``ground`` elsewhere, of one sample (*space) or (C, *space)."""
    mixed, axes = np.array(ground), box.shape[1]
    for place in np.ndindex(mixed.shape[-axes:]):
        if in_box(box, place):
            mixed[(..., *place)] = other[(..., *place)]
    return mixed


def noisy(image, std=0.1):
    """The image under noise that torch's generator draws next, cut at twice its deviation."""
    return image + np.clip(array(torch.randn_like(image)) * std, -2 * std, 2 * std).astype(np.float32)


def gradient(term, *tensors):
    """Of a term to each tensor; None where there is no path."""
    return torch.autograd.grad(term, tensors, allow_unused=True, retain_graph=True)


def nothing(g):
    return g is None or not bool(g.any())
