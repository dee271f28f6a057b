"""Test-time augmentation by flips."""
from itertools import combinations

from scarceseg.registry import INFERERS


@INFERERS.register_module()
def flip_average(predict, image, *, axes=(-2, -1)):
    """Mean of the probabilities over every combination of flips along ``axes``, each flipped back.

    Args:
        predict: image (N, C, *space) to probabilities (N, K, *space).
        image: (N, C, *space).
        axes: axes of space counted from the end; n axes make 2^n predictions.

    Returns:
        (N, K, *space).
    """
    total = predict(image)
    subsets = [s for r in range(1, len(axes) + 1) for s in combinations(axes, r)]
    for subset in subsets:
        total = total + predict(image.flip(subset)).flip(subset)
    return total / (len(subsets) + 1)
