"""What of a config decides the result of a training, to tell whether a run is the one that is wanted."""
from __future__ import annotations

import hashlib
import json

from scarceseg.registry import UserError, load_config, use_data_root

from ..assembly import assemble
from ..networks import check_pretrained

DECIDING = ('classes', 'has_background', 'fold', 'prepare', 'transforms', 'inferer', 'postprocess', 'model', 'train_dataloader',
            'val_dataloader', 'test_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'custom_hooks',
            'randomness', 'load_from')
WHEREABOUTS = ('data_root', 'store', 'num_workers', 'persistent_workers', 'pin_memory', 'prefetch_factor')  # change no result


def member_config(name, *, options, seed=0, fold=None, data=None):
    """The config as ``train`` completes it, for one seed and fold.

    Raises:
        UserError: anything in it that ``assemble`` finds, or a fold where the config has none.
    """
    config = load_config(name, options=options)
    if fold is not None and 'fold' not in config:
        raise UserError(f'config {config.filename} has no fold; its split lists are to be written \'…fold{{fold}}_train.txt\'')
    if fold is not None:
        config.fold = fold
    config.setdefault('randomness', {})['seed'] = seed
    assemble(use_data_root(config, data))
    check_pretrained(config.model.networks, config.get('load_from'))
    return config


def identity(config):
    """``{key: hash}`` of what decides the result of an assembled config: not where its files are, how it logs, or how many work."""
    parts = {key: config[key] for key in DECIDING if config.get(key) not in (None, [], {})}
    checkpoint = (config.get('default_hooks') or {}).get('checkpoint') or {}
    parts['save_best'] = checkpoint.get('save_best')
    return {key: hashlib.sha256(json.dumps(_without_whereabouts(part), sort_keys=True, default=str).encode()).hexdigest()
            for key, part in parts.items()}


def differences(one, other):
    """The keys in which two identities differ."""
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def _without_whereabouts(node):
    if isinstance(node, dict):
        return {key: _without_whereabouts(child) for key, child in node.items() if key not in WHEREABOUTS}
    return [_without_whereabouts(child) for child in node] if isinstance(node, (list, tuple)) else node
