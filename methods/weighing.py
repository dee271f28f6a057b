"""From the terms of a method to the loss and the log."""
from __future__ import annotations

from scarceseg.registry import SCHEDULES, UserError


def build_numbers(configs):
    """Numbers stay; a config of a schedule becomes a function of the iteration."""
    return {name: SCHEDULES.build(value) if isinstance(value, dict) else value for name, value in configs.items()}


def at(numbers, iteration):
    """The values of numbers and schedules at an iteration."""
    return {name: value(iteration) if callable(value) else value for name, value in numbers.items()}


def weigh(terms, weights):
    """Weighted terms, which mmengine adds up, and what is logged beside them.

    Args:
        terms: {term: unweighted scalar tensor}.
        weights: {term: number}; a term that is not there weighs 1.

    Returns:
        {'loss_<term>': weighted}, and for weighted terms 'term/<term>' and 'weight/<term>', without gradient.

    Raises:
        UserError: a term is no scalar, for a loss returned a map.
    """
    for name, term in terms.items():
        if term.ndim:
            raise UserError(f'term {name!r} has shape {tuple(term.shape)}; a loss returns one scalar')
    out = {f'loss_{name}': weights.get(name, 1.0) * term for name, term in terms.items()}
    for name, weight in weights.items():
        out[f'term/{name}'] = terms[name].detach()
        out[f'weight/{name}'] = terms[name].new_tensor(weight)
    return out
