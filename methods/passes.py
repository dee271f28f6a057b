"""Passes of batches through networks: several parts in one, and several outputs of one."""
import torch

from scarceseg.registry import UserError


def joined(*images):
    """Batches of images (N_i, C, *space) as one, in their order.

    Raises:
        UserError: the images differ in size.
    """
    spaces = {tuple(image.shape[1:]) for image in images}
    if len(spaces) > 1:
        raise UserError(f'the parts of a batch have images of shapes {" and ".join(map(str, sorted(spaces)))} (C, *space), but go '
                        'through the network together; let transforms crop them to one size')
    return torch.cat(images)


def together(network, *images):
    """What a network makes of several batches that go through it in one pass and share its batch statistics.

    Args:
        network: images to logits, or to a tuple of them.
        images: (N_i, C, *space) each, of one size.

    Returns:
        A list of logits (N_i, K, *space), or of tuples of them.

    Raises:
        UserError: the images differ in size.
    """
    outputs, sizes = network(joined(*images)), [len(image) for image in images]
    if isinstance(outputs, (tuple, list)):
        return list(zip(*(logits.split(sizes) for logits in outputs)))
    return list(outputs.split(sizes))


def encode(network, image, *, method):
    """The features of a network's encoder, a list of maps (N, C, *space), one per level.

    Raises:
        UserError: it returned something else.
    """
    features = network.encoder(image)
    if not isinstance(features, (tuple, list)):
        raise UserError(f'method {method} needs an encoder that returns a list of features, one map per level, but that of '
                        f'{type(network).__name__} returned {type(features).__name__}; UNet2D and UNet3D have such encoders')
    return list(features)


def main(outputs):
    """The main output of a network: the first of several, or the only one."""
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def single(outputs, *, method):
    """The output itself, where a network has one.

    Raises:
        UserError: there are several.
    """
    return main(several(outputs, least=1, most=1, method=method, networks='UNet2D, UNet3D and others with their default settings'))


def several(outputs, *, least=2, most=None, alike=False, method, networks):
    """The outputs themselves, where a network has so many.

    Args:
        outputs: logits, or a tuple or list of them.
        least, most: their number.
        alike: whether they must be of one size.
        method: its name, for the sentence.
        networks: which networks have so many, for the sentence.

    Raises:
        UserError: there are fewer or more, or they differ in size.
    """
    number = len(outputs) if isinstance(outputs, (tuple, list)) else 1
    if number < least or (most is not None and number > most):
        wanted = 'one output' if most == 1 else f'{least} outputs' if most == least else f'{least} outputs or more'
        raise UserError(f'method {method} needs a network with {wanted}, but this one has {number}; such are: {networks}')
    sizes = sorted({tuple(z.shape[2:]) for z in outputs}, reverse=True) if alike else ()
    if len(sizes) > 1:
        raise UserError(f'method {method} needs a network with outputs of one size, but those of this one are '
                        f'{", ".join(map(str, sizes))}; such are: {networks}')
    return outputs
