"""Weights of another network, by name."""
from __future__ import annotations

from typing import NamedTuple

import torch

from scarceseg.registry import UserError


class Match(NamedTuple):
    """How the weights of a file fit a network: names of the network's entries, but for ``unused``, which are the file's."""

    loaded: list
    other_shape: list
    not_in_file: list
    unused: list

    def __str__(self):
        parts = [f'{len(self.loaded)} of {len(self.loaded) + len(self.other_shape) + len(self.not_in_file)} entries loaded']
        for what, names in (('of another shape', self.other_shape), ('not in the file', self.not_in_file),
                            ('in the file without use', self.unused)):
            if names:
                parts.append(f'{len(names)} {what} ({", ".join(names[:3])}{", …" if len(names) > 3 else ""})')
        return '; '.join(parts)


@torch.no_grad()
def load_matching(network, weights, *, source='', target='', where='the file'):
    """Copy those weights into a network whose names and shapes fit, and say which.

    Args:
        network: ``nn.Module``.
        weights: {name: tensor}.
        source: only names that begin with it are looked at, without it: 'networks.net.encoder'.
        target: the part of the network that gets them: 'encoder'; default all of it.
        where: the file's name, for errors.

    Returns:
        ``Match``; its lists are of entries of ``target``.

    Raises:
        UserError: ``target`` is no part of the network, or nothing fits.
    """
    source, target = (f'{name}.' if name and not name.endswith('.') else name for name in (source, target))
    own = {k: v for k, v in network.state_dict(keep_vars=True).items() if k.startswith(target)}
    found = {target + k[len(source):]: (k, v) for k, v in weights.items() if k.startswith(source) and torch.is_tensor(v)}
    if not own:
        parts = ', '.join(name for name, _ in network.named_children())
        raise UserError(f'target={target[:-1]!r} is no part of the network; its parts: {parts}')
    same = [k for k in own if k in found and found[k][1].shape == own[k].shape]
    match = Match(same, [k for k in own if k in found and k not in same], [k for k in own if k not in found],
                  [name for k, (name, _) in found.items() if k not in own])
    if not any(own[k].ndim for k in same):
        raise UserError(f'nothing in {where} fits: it has {", ".join(list(weights)[:3]) or "nothing"}, …, the network wants '
                        f'{", ".join(list(own)[:3])}, …; set source and target of pretrained to the prefixes that differ')
    for name in same:
        own[name].copy_(found[name][1])
    return match
