"""The networks of a segmentor: built, brought to one form of output whatever library they are from, started from other weights."""
from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from scarceseg.components.networks import load_matching
from scarceseg.registry import NETWORKS, UserError
from scarceseg.registry.binding import nearest

from .runs import read_checkpoint

logger = logging.getLogger(__name__)
BESIDE = ('average_of', 'pretrained', 'frozen')  # keys beside a network's own settings
MAIN = ('out', 'logits')  # what other libraries call the main output


def build_networks(configs):
    """``ModuleDict`` of the networks, averages behind their sources whatever the order of the config.

    Raises:
        UserError: an average names no network, or is frozen or pretrained.
    """
    networks = nn.ModuleDict({name: _build(c) for name, c in configs.items() if 'average_of' not in c})
    for name in networks:
        if configs[name].get('frozen'):
            networks[name].requires_grad_(False)
    trained = [name for name in networks if not configs[name].get('frozen')]
    for name, config in configs.items():
        if 'average_of' in config:
            source = config['average_of']
            own = [key for key in ('pretrained', 'frozen') if config.get(key)]
            if own:
                raise UserError(f'networks.{name} is an average of {source!r} and follows it from its start; leave out '
                                f'{", ".join(own)}')
            if source not in trained:
                raise UserError(f'networks.{name}.average_of={source!r} is no trained network{nearest(source, trained)}; '
                                f'there are: {", ".join(trained) or "none"}')
            networks[name] = _build(config, model=networks[source]).requires_grad_(False)
            if getattr(networks[name], 'update_buffers', False):
                raise UserError(f"networks.{name}: {config['type']} with update_buffers loses its weights when they move to "
                                "another device or memory format; take type='MovingAverage', which averages buffers too")
    return networks


def _build(config, **beside):
    network = NETWORKS.build({k: v for k, v in config.items() if k not in BESIDE}, **beside)
    if not isinstance(network, nn.Module):
        raise UserError(f'network {config["type"]!r} is a {type(network).__name__}; a network is a torch.nn.Module')
    network.register_forward_hook(plain_outputs)
    return network


def plain_outputs(network, arguments, outputs):
    """What a network returned as logits (N, K, *space), or a tuple of them, the main output first.

    Other libraries return dicts (the main output is called 'out' or 'logits'), lists, tuples of one, and outputs stacked along
    the second axis. What a dict holds beside the main output is auxiliary, and left out in evaluation.

    Raises:
        UserError: there are no logits among the outputs.
    """
    if torch.is_tensor(outputs):
        return outputs if outputs.ndim == arguments[0].ndim else outputs.unbind(1)
    if isinstance(outputs, Mapping):
        main = next((outputs[k] for k in MAIN if k in outputs), next(iter(outputs.values()), None))
        rest = [v for v in outputs.values() if v is not main] if network.training else []
        outputs = [main, *rest]
    logits = tuple(z for z in outputs if torch.is_tensor(z) and z.ndim > 2) if isinstance(outputs, (list, tuple)) else ()
    if not logits:
        raise UserError(f'network {type(network).__name__} returned {type(outputs).__name__}; expected logits (N, K, *space), or a '
                        'list, tuple or dict of them')
    return logits if len(logits) > 1 else logits[0]


def check_pretrained(configs, load_from=None, resume=False):
    """Raise UserError where a file of pretrained weights is missing or overruled; make their paths absolute, in place.

    A run that is resumed has its weights, and needs the files no more.
    """
    for name, config in configs.items():
        settings = config.get('pretrained')
        if config.get('frozen') and settings is None and not (load_from or resume):
            raise UserError(f'networks.{name} is frozen, but has no weights to start from; give it '
                            'pretrained=dict(checkpoint=FILE, source=PREFIX)')
        if settings is None:
            continue
        if load_from:
            raise UserError(f'load_from={load_from!r} gives every network its weights, networks.{name}.pretrained others; '
                            'leave out one')
        known = ('checkpoint', 'source', 'target')
        wrong = [k for k in settings if k not in known] if isinstance(settings, dict) else [settings]
        if wrong or 'checkpoint' not in settings:
            raise UserError(f'networks.{name}.pretrained={settings!r} is written dict(checkpoint=FILE, source=PREFIX, '
                            f'target=PREFIX){nearest(str(wrong[0]), known) if wrong else ""}')
        file = Path(settings['checkpoint']).expanduser().resolve()
        settings['checkpoint'] = str(file)
        if resume:
            continue
        if not file.exists():
            raise UserError(f'networks.{name}.pretrained: there is no file {file} (a relative path starts at the working '
                            'directory); train it first, or say where it is, '
                            f'--cfg-options model.networks.{name}.pretrained.checkpoint=FILE')
        read_checkpoint(file)


def load_pretrained(networks, configs):
    """Start networks from the weights that their configs name, and log what matched; returns ``{name: Match}``.

    Raises:
        UserError: nothing in a file fits its network.
    """
    matches = {}
    for name, config in configs.items():
        if config.get('pretrained') is not None:
            settings = dict(config['pretrained'])
            file = settings.pop('checkpoint')
            content = read_checkpoint(file)
            weights = next((content[k] for k in ('state_dict', 'model') if isinstance(content.get(k), dict)), content)
            matches[name] = load_matching(networks[name], weights, where=file, **settings)
            logger.info('network %s from %s: %s', name, file, matches[name])
            if config.get('frozen') and (matches[name].other_shape or matches[name].not_in_file):
                raise UserError(f'networks.{name} is frozen, but {file} gives it only a part of its weights ({matches[name]}); '
                                'make its settings those of the network in the file, or set source to its prefix')
            for what, entries in matches[name]._asdict().items():
                logger.debug('%s: %s', what, ', '.join(entries))
    return matches
