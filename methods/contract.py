"""What a method asks of the config that uses it."""
from __future__ import annotations

from typing import NamedTuple

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

PARTS = ('labeled', 'unlabeled', 'scribbled', 'clean', 'noisy')


class Needs(NamedTuple):
    """Names that a method uses: networks, parts of the batch (none: any with labels), losses, and the terms it returns."""

    networks: tuple
    parts: tuple
    losses: tuple
    terms: tuple


def method_needs(*, networks, losses, terms, parts=''):
    """Declare, as words in one string each, the names that a method uses; they are checked when a config is built."""
    needs = Needs(tuple(networks.split()), tuple(parts.split()), tuple(losses.split()), tuple(terms.split()))
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
        networks, losses, weights: mappings by name.

    Raises:
        UserError: a network or loss is missing, or a weight or loss is given that the method has no use for.
    """
    name, needs = method.func.__name__, method.func.needs
    for kind, wanted, given in (('networks', needs.networks, networks), ('losses', needs.losses, losses)):
        missing = [w for w in wanted if w not in given]
        if missing:
            raise UserError(f'method {name} needs {kind} {", ".join(wanted)}; the config lacks {", ".join(missing)} '
                            f'and has {", ".join(given) or "none"}')
    for kind, wanted, given in (('losses', needs.losses, losses), ('terms', needs.terms, weights)):
        for key in given:
            if key not in wanted:
                where = 'losses' if kind == 'losses' else 'weights'
                raise UserError(f'{where}.{key}: method {name} has no use for it{nearest(key, wanted)}; '
                                f'its {kind}: {", ".join(wanted)}')


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
