"""Monte-Carlo dropout for any network."""
from contextlib import contextmanager

from torch.nn.modules.dropout import _DropoutNd


@contextmanager
def dropout_active(network):
    """Within this context the dropout layers of ``network`` drop as in training, and all else stays in its mode [Gal 2016].

    With the network in evaluation mode, norms use and keep their running statistics, and repeated passes are samples of the
    prediction. It reaches every layer of the kind of ``torch.nn.Dropout``, in networks of other libraries too; a network
    without such layers gives the same answer again and again.

    Args:
        network: any ``nn.Module``.
    """
    layers = [m for m in network.modules() if isinstance(m, _DropoutNd)]
    before = [m.training for m in layers]
    for layer in layers:
        layer.training = True
    try:
        yield network
    finally:
        for layer, training in zip(layers, before):
            layer.training = training
