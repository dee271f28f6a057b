"""Configs by path or by shipped name, users' own modules, and the folder that data paths are relative to."""
from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from mmengine.config import Config

from .binding import nearest
from .errors import UserError

DATA_VARIABLE = 'SCARCESEG_DATA'
OF_FILES = ('FolderDataset', 'NnUNetDataset', 'MSDDataset')  # data sets whose paths are relative to a ``data_root``
SUITES = 'suites'  # the folder of configs that are lists of others


def shipped_configs():
    """``{name: path}`` of the configs that came with the package; names are like 'wsl/dmpls_acdc'."""
    return {name: path for name, path in _shipped().items() if not {'_base_', SUITES} & set(Path(name).parts)}


def shipped_suites():
    """``{name: path}`` of the suites that came with the package; names are like 'wsl_acdc'."""
    return {name.partition('/')[2]: path for name, path in _shipped().items() if name.startswith(f'{SUITES}/')}


def _shipped():
    room = Path(next(iter(importlib.import_module('scarceseg.configs').__path__)))
    return {p.relative_to(room).with_suffix('').as_posix(): p for p in sorted(room.rglob('*.py'))}


def find_config(name):
    """The file of a config given by path, or by its name among the shipped ones ('wsl/dmpls_acdc', 'dmpls_acdc').

    Raises:
        UserError: there is neither such a file nor such a name, or the short name is ambiguous.
    """
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise UserError(f'{name} is a folder; give a config file in it')
    shipped = shipped_configs()
    wanted = path.with_suffix('').as_posix()
    wanted = wanted[len('configs/'):] if wanted.startswith('configs/') else wanted
    found = [key for key in shipped if key == wanted or key.rpartition('/')[2] == wanted]
    if len(found) == 1:
        return shipped[found[0]]
    if found:
        raise UserError(f'config {name!r} could be any of {", ".join(found)}; give the longer name')
    raise UserError(f'there is no config file {name!r}, nor a shipped config of that name{nearest(wanted, list(shipped))}; '
                    f'shipped: {", ".join(shipped)}')


def load_config(name, *, options=None):
    """Read a config, merge ``options`` ({'a.b': value}) into it, and import the user's own modules it names.

    Modules named in ``custom_imports`` are looked for in the working directory, in the config's folder, and in the
    config's ``import_paths``, so that a config works from any working directory.

    Returns:
        mmengine ``Config`` with ``filename`` set.

    Raises:
        UserError: the file cannot be read as a config, or a module in ``custom_imports`` cannot be imported.
    """
    path = find_config(name)
    try:
        config = Config.fromfile(str(path), import_custom_modules=False)
    except SyntaxError as error:
        raise UserError(f'config {path}, line {error.lineno}: {error.msg}') from error
    except Exception as error:
        raise UserError(f'config {path} cannot be read: {type(error).__name__}: {error}') from error
    _merge(config, options or {}, path)
    folders = [os.getcwd(), str(path.resolve().parent), *config.get('import_paths', [])]
    import_user_modules(config.get('custom_imports'), folders, path)
    if config.get('custom_imports'):
        config.import_paths = list(dict.fromkeys(folders))
    return config


def _merge(config, options, path):
    for key in options:
        top = key.split('.')[0]
        if top not in config:
            raise UserError(f'--cfg-options {key}: config {path} has no key {top!r}{nearest(top, list(config))}; '
                            f'it has: {", ".join(sorted(config))}')
        if isinstance(config[top], dict) and key == top and not isinstance(options[key], (dict, type(None))):
            raise UserError(f'--cfg-options {key}={options[key]}: config {path} has a dict there; set its parts, {key}.NAME=VALUE')
    try:
        config.merge_from_dict(options)
    except (KeyError, TypeError, IndexError, AssertionError) as error:
        raise UserError(f'--cfg-options {options} do not fit config {path}: {error}') from error


def import_user_modules(custom_imports, folders, path):
    """Import ``custom_imports['imports']``, with ``folders`` behind ``sys.path``."""
    if not custom_imports:
        return
    sys.path.extend(f for f in folders if f not in sys.path)
    imports = custom_imports['imports'] if isinstance(custom_imports, dict) else custom_imports
    for module in [imports] if isinstance(imports, str) else imports:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise UserError(f'config {path}: custom_imports names {module!r}, but {error}; looked in '
                            f'{", ".join(folders)} and the installed packages') from error


def use_data_root(config, folder=None):
    """Set the folder that data paths are relative to: ``folder``, or ``$SCARCESEG_DATA``, or what the config says.

    Every ``data_root`` in the config's dataloaders is replaced, by an absolute path, so that a run's own config finds
    its data later from anywhere.
    """
    folder = folder or os.environ.get(DATA_VARIABLE)
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        _set_data_root(config.get(name), folder)
    return config


def data_root(config):
    """The first ``data_root`` in a config, or None."""
    if not hasattr(config, 'items'):
        return None
    if 'data_root' in config:
        return config['data_root']
    return next((found for _, child in config.items() if (found := data_root(child)) is not None), None)


def _set_data_root(node, folder):
    if isinstance(node, dict):
        if 'data_root' in node or node.get('type') in OF_FILES:
            node['data_root'] = str(Path(folder or node.get('data_root', 'data')).expanduser().resolve())
        for child in node.values():
            _set_data_root(child, folder)
