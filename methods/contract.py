"""What a method asks of the config that uses it."""
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from .passes import main

HOLDERS = {('encoder', 'decoder'): 'UNet2D, UNet3D, PerturbedDecoderUNet',
           ('encoder', 'decoder', 'auxiliary'): 'PerturbedDecoderUNet'}  # networks with pieces that methods call
PARTS = ('labeled', 'unlabeled', 'scribbled', 'clean', 'noisy')


class Needs(NamedTuple):
    """Names that a method uses: networks, parts of the batch (none: any with labels), losses, the terms it returns, pieces of
    networks that it calls by themselves, {network: names of attributes}, and networks that it gives no gradient."""

    networks: tuple
    parts: tuple
    losses: tuple
    terms: tuple
    pieces: dict
    untrained: tuple


def method_needs(*, networks, losses, terms, parts='', pieces=None, untrained=''):
    """Declare, as words in one string each, the names that a method uses; they are checked when a config is built."""
    pieces = {network: tuple(names.split()) for network, names in (pieces or {}).items()}
    needs = Needs(tuple(networks.split()), tuple(parts.split()), tuple(losses.split()), tuple(terms.split()), pieces,
                  tuple(untrained.split()))
    if any('loss' in term for term in needs.terms):
        raise AssertionError('mmengine adds up every value whose name contains "loss"; call the term otherwise')

    def mark(method):
        method.needs = needs
        return method
    return mark


def check_needs(method, networks, losses, weights):
    """Compare a method's needs with the names in a config.

    Args:
        method: a bound method.
        networks, losses, weights: mappings by name; those of networks are their configs.

    Raises:
        UserError: a network or loss is missing, a weight or loss is given that the method has no use for, or a network would be
            trained that the method gives no gradient.
    """
    name, needs = method.func.__name__, method.func.needs
    for kind, wanted, given in (('networks', needs.networks, networks), ('losses', needs.losses, losses)):
        missing = [w for w in wanted if w not in given]
        if missing:
            raise UserError(f'method {name} needs {kind} {", ".join(wanted)}; the config lacks {", ".join(missing)} '
                            f'and has {", ".join(given) or "none"}')
    for key in needs.untrained:
        if not (networks[key].get('average_of') or networks[key].get('frozen')):
            source = next(w for w in needs.networks if w != key)
            raise UserError(f"method {name} does not train networks.{key}; make it an average, dict(type='MovingAverage', "
                            f'average_of={source!r}), or give it pretrained=… and frozen=True')
    for kind, wanted, given in (('losses', needs.losses, losses), ('terms', needs.terms, weights)):
        for key in given:
            if key not in wanted:
                where = 'losses' if kind == 'losses' else 'weights'
                raise UserError(f'{where}.{key}: method {name} has no use for it{nearest(key, wanted)}; '
                                f'its {kind}: {", ".join(wanted)}')


def check_pieces(method, networks):
    """Compare the pieces of networks that a method calls by themselves with those that the networks have.

    Raises:
        UserError: a network lacks one.
    """
    for name, pieces in method.func.needs.pieces.items():
        missing = [piece for piece in pieces if not _is_piece(getattr(networks[name], piece, None))]
        if missing:
            raise UserError(f'method {method.func.__name__} calls {", ".join(pieces)} of networks.{name} by themselves, but '
                            f'{type(networks[name]).__name__} has no {", ".join(missing)}; such have: {HOLDERS[pieces]}')


@torch.no_grad()
def check_whole(method, networks, image):
    """Compare what the pieces that a method calls by themselves make of an image (N, C, *space) with what the whole network does.

    Raises:
        UserError: they differ, so that the method would train something else than what predicts.
    """
    for name in method.func.needs.pieces:
        network, modes = networks[name], [(m, m.training) for m in networks[name].modules()]
        network.eval()
        whole, pieces = main(network(image)), main(network.decoder(network.encoder(image)))
        for module, mode in modes:
            module.training = mode
        if whole.shape != pieces.shape or not torch.allclose(whole, pieces, rtol=1e-3, atol=1e-3, equal_nan=True):
            raise UserError(f'method {method.func.__name__} calls encoder and decoder of networks.{name} by themselves, but '
                            f'{type(network).__name__} does more than decoder(encoder(image)), which is of shape '
                            f'{tuple(pieces.shape)} where the network gives {tuple(whole.shape)}; choose another network')


def _is_piece(piece):
    """Whether an attribute of a network can be called; a list of modules cannot, though Python thinks it can."""
    return callable(piece) and getattr(type(piece), 'forward', None) is not nn.Module.forward


def check_parts(method, parts):
    """Compare the parts that a method asks for with those that a batch has.

    Raises:
        UserError: a part is missing or has a name that no method knows.
    """
    name, needs = method.func.__name__, method.func.needs
    for part in parts:
        if part not in PARTS:
            raise UserError(f'part {part!r} of the batch is unknown{nearest(part, PARTS)}; parts are called {", ".join(PARTS)}')
    missing = [p for p in needs.parts if p not in parts]
    if missing:
        raise UserError(f'method {name} needs {", ".join(missing)} in each batch; the batch sampler gives {", ".join(parts)}')
