"""Prediction at another size than the image's."""
import torch.nn.functional as F

from scarceseg.registry import INFERERS


@INFERERS.register_module()
def rescaled(predict, image, *, longest):
    """Predict the image with the longer side of its plane resized to ``longest`` voxels, and resize the probabilities back.

    With several sizes their probabilities are averaged. Linear interpolation both ways; of a volume only the last two axes
    change.

    Args:
        predict: (1, C, *space) to probabilities (1, K, *space).
        image: (1, C, y, x) or (1, C, z, y, x).
        longest: voxels, one number or several; the counterpart of the same setting of ``random_affine``.

    Returns:
        (1, K, *space) of the image's size.
    """
    if not isinstance(longest, int):
        return sum(rescaled(predict, image, longest=n) for n in longest) / len(longest)
    space = image.shape[2:]
    factor = longest / max(space[-2:])
    if factor == 1:
        return predict(image)
    smaller = (*space[:-2], *(max(1, round(n * factor)) for n in space[-2:]))
    mode = {2: 'bilinear', 3: 'trilinear'}[len(space)]
    prob = predict(F.interpolate(image, size=smaller, mode=mode, align_corners=False))
    return F.interpolate(prob, size=space, mode=mode, align_corners=False)
