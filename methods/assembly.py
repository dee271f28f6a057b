"""From a config as written to one that the Runner can build, checked before anything is built."""
from __future__ import annotations

import importlib.util
import inspect

import torch
from torch.utils.data import DataLoader

from scarceseg.registry import SHELVES, UserError, resolve
from scarceseg.registry.binding import nearest

from . import networks

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
DESCRIPTION = ('classes', 'has_background', 'fold', 'prepare', 'transforms', 'part_transforms', 'inferer', 'postprocess', 'metrics',
               'fused')  # shared by all
RUNNER = ('model', 'train_cfg', 'val_cfg', 'val_evaluator', 'optim_wrapper', 'param_scheduler', 'auto_scale_lr', 'default_hooks',
          'custom_hooks', 'randomness', 'env_cfg', 'log_level', 'log_processor', 'visualizer', 'launcher', 'load_from', 'resume',
          'work_dir', 'default_scope', 'experiment_name', 'model_wrapper_cfg', 'find_unused_parameters', 'sync_bn', 'compile')
KEYS = (*LOADERS, *DESCRIPTION, *RUNNER, 'custom_imports', 'import_paths')

# which shelf the config at a place is built from; '*' is every entry of a list or dict, or the one config in their place
PLACES = {
    'model': 'MODELS', 'model.networks.*': 'NETWORKS', 'model.method': 'METHODS', 'model.losses.*': 'LOSSES',
    'prepare.*': 'TRANSFORMS', 'transforms.*': 'TRANSFORMS', 'part_transforms.*.*': 'TRANSFORMS',
    'inferer.*': 'INFERERS', 'postprocess.*': 'POSTPROCESSORS',
    'train_cfg': 'LOOPS', 'val_cfg': 'LOOPS', 'val_evaluator': 'METRICS', 'optim_wrapper': 'OPTIM_WRAPPERS',
    'optim_wrapper.optimizer': 'OPTIMIZERS', 'param_scheduler.*': 'PARAM_SCHEDULERS', 'default_hooks.*': 'HOOKS',
    'custom_hooks.*': 'HOOKS', 'visualizer': 'VISUALIZERS', 'log_processor': 'LOG_PROCESSORS',
    **{f'{loader}.dataset': 'DATASETS' for loader in LOADERS},
    **{f'{loader}.dataset.parts.*': 'DATASETS' for loader in LOADERS},
    **{f'{loader}.dataset.parts.*.cases': 'DATASETS' for loader in LOADERS},
    **{f'{loader}.dataset.simulate.*.*': 'TRANSFORMS' for loader in LOADERS},
    **{f'{loader}.dataset.cases': 'DATASETS' for loader in LOADERS},
    **{f'{loader}.dataset.transforms.*': 'TRANSFORMS' for loader in LOADERS},
    **{f'{loader}.dataset.part_transforms.*.*': 'TRANSFORMS' for loader in LOADERS},
    **{f'{loader}.batch_sampler': 'DATA_SAMPLERS' for loader in LOADERS},
}

COUNTS = ('num_classes', 'out_channels', 'classes')  # what networks here and in other libraries call their number of classes

# keys beside a component's own settings that whoever builds it takes for itself
BESIDE = {'model.networks.*': networks.BESIDE, 'optim_wrapper': ('paramwise_cfg', 'constructor'), 'custom_hooks.*': ('priority',)}


def assemble(config):
    """Fill in what follows from the rest of a config, in place, and check every name and key in it.

    Data sets get the shared ``classes``, ``prepare``, ``transforms`` and ``part_transforms``, their split lists the ``fold``, the
    model its ``inferer``, the metric ``postprocess`` and ``has_background``; loaders get sampler and collation.

    Raises:
        UserError: an unknown top-level key that resembles a known one, an unknown type, or an unknown setting.
    """
    check_top_level(config)
    if 'model' not in config:
        raise UserError(f'config {config.filename} has no model; it needs model=dict(networks=…, method=…, losses=…)')
    config.model.setdefault('type', 'Segmentor')
    if config.get('inferer'):
        config.model.setdefault('inferer', config.inferer)
    for loader in LOADERS:
        if config.get(loader):
            _complete_loader(config, loader)
            _choose_fold(config, config[loader])
    for shared in ('postprocess', 'has_background'):
        if config.get('val_evaluator') and shared in config:
            config.val_evaluator.setdefault(shared, config[shared])
    if not config.get('val_dataloader'):
        config.val_cfg = config.val_evaluator = None
    iterations = (config.get('train_cfg') or {}).get('max_iters', 1)
    if not isinstance(iterations, int) or iterations < 1:
        raise UserError(f'train_cfg.max_iters={iterations!r} must be a whole number of iterations, 1 or more')
    for schedule in _as_list(config.get('param_scheduler')):
        if schedule.get('type') == 'PolyLR':
            # the last iteration still learns; a training shorter than the warm-up never gets here
            schedule.setdefault('end', max(iterations, schedule.get('begin', 0) + 1) + 1)
    if not torch.cuda.is_available():
        config.setdefault('env_cfg', {}).setdefault('dist_cfg', {})['backend'] = 'gloo'
    if importlib.util.find_spec('tensorboard') is None and config.get('visualizer'):
        backends = config.visualizer.get('vis_backends', [])
        config.visualizer.vis_backends = [b for b in backends if b['type'] != 'TensorboardVisBackend']
    check_components(config)
    check_classes(config)
    return config


def check_classes(config):
    """Raise UserError where a network has another number of classes than the data."""
    classes = config.get('classes')
    if isinstance(classes, str) or not classes or len(classes) < 2:
        raise UserError(f'config {config.filename}: classes={classes!r} must list the names of all classes, background too')
    for name, network in config.model.networks.items():
        for key in COUNTS:
            if network.get(key, len(classes)) != len(classes):
                raise UserError(f'model.networks.{name}.{key}={network[key]}, but there are {len(classes)} classes, '
                                f'{", ".join(classes)}')


def _as_list(entry):
    return [entry] if isinstance(entry, dict) else entry or []


def check_top_level(config):
    """A key that is nobody's is a helper of the config's own, unless it looks like a slip of the pen."""
    for key in config:
        near = nearest(key, KEYS, cutoff=0.85)
        if key not in KEYS and near:
            raise UserError(f'config {config.filename} has an unknown key {key!r}{near}; rename it')


def check_components(config):
    """Resolve every component at the ``PLACES`` of a config, without building one."""
    tree = {key: config[key] for key in config}
    for place, shelf in PLACES.items():
        for where, found in _walk(tree, place.split('.')):
            if not isinstance(found, dict):
                continue
            settings = {k: v for k, v in found.items() if k not in BESIDE.get(place, ())}
            try:
                resolve(settings, SHELVES[shelf], complete=False)
            except UserError as error:
                raise UserError(f'{where}: {error}') from error
    for loader in LOADERS:
        _check_keys(loader, config.get(loader) or {})


def _walk(node, keys, path=''):
    if not keys:
        yield path, node
        return
    key, *rest = keys
    if key == '*' and isinstance(node, dict) and 'type' in node:
        yield from _walk(node, rest, path)
        return
    if key == '*':
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else []
    else:
        items = [(key, node[key])] if isinstance(node, dict) and node.get(key) is not None else []
    for name, child in items:
        yield from _walk(child, rest, f'{path}.{name}' if path else str(name))


def _check_keys(loader, settings):
    known = [*inspect.signature(DataLoader).parameters, 'dataset', 'batch_sampler', 'sampler']
    for key in settings:
        if key not in known:
            raise UserError(f'{loader} has no setting {key!r}{nearest(key, known)}; it takes those of torch DataLoader')


def _choose_fold(config, node):
    """Write the config's ``fold`` in the place of '{fold}' in every split list below ``node``."""
    if not isinstance(node, dict):
        return
    split = node.get('split')
    if isinstance(split, str) and '{fold}' in split:
        if not isinstance(config.get('fold'), int):
            raise UserError(f'split={split!r} needs the number of a fold, but config {config.filename} has '
                            f'fold={config.get("fold")!r}')
        node['split'] = split.replace('{fold}', str(config.fold))
    for child in node.values():
        _choose_fold(config, child)


def _complete_loader(config, loader):
    settings = config[loader]
    dataset = settings['dataset']
    for cases in [*dataset.get('parts', {}).values(), *([dataset['cases']] if 'cases' in dataset else [])]:
        cases.setdefault('classes', config.get('classes'))
    dataset.setdefault('prepare', config.get('prepare', []))
    if 'parts' in dataset:
        dataset.setdefault('transforms', config.get('transforms', []))
        dataset.setdefault('part_transforms', config.get('part_transforms', {}))
    settings.setdefault('num_workers', 0)
    settings.setdefault('collate_fn', dict(type='scarceseg.collate_parts'))
    settings.setdefault('sampler', dict(type='DefaultSampler', shuffle=False))
    parts = settings.get('batch_sampler', {}).get('parts', {})
    if any(not isinstance(n, int) or n < 1 for n in parts.values()):
        raise UserError(f'{loader}.batch_sampler.parts={dict(parts)} must give whole numbers of samples, 1 or more')
    size = sum(parts.values()) or 1
    if settings.setdefault('batch_size', size) != size:
        raise UserError(f'{loader}.batch_size={settings.batch_size} has no effect beside batch_sampler.parts={dict(parts)}; '
                        'leave it out')
