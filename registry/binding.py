"""Turn a config dict into a component: a class is built, a function is bound."""
from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import re

from .errors import UserError


def bind(cfg, *args, registry, **defaults):
    """Build the component that ``cfg`` names.

    A class is instantiated. A function is returned as a ``functools.partial``: its keyword-only settings fixed, its
    tensors still to come; on a shelf that ``nests``, settings that are configs, or lists or dicts
    of configs, are bound too.
    On a shelf of classes a function is one that makes a component, as other libraries have, and is called.
    ``defaults`` are settings that hold where ``cfg`` is silent.

    Args:
        cfg: dict with the key ``type``: a name on the shelf, a dotted path ('monai.networks.nets.UNet'), or the
            component itself; the other keys are its settings.
        registry: the shelf (an ``mmengine.registry.Registry``).

    Raises:
        UserError: no such component, an unknown setting, or a setting without a value.
    """
    component, settings = resolve(cfg, registry, **defaults)
    if _is_bound(component, registry):
        if getattr(registry, 'nests', False):
            settings = {k: _replace_configs(v, functools.partial(bind, registry=registry)) for k, v in settings.items()}
        return functools.partial(component, **settings)
    foreign = isinstance(cfg['type'], str) and '.' in cfg['type']
    try:
        return component(**settings)
    except Exception as error:
        if isinstance(error, UserError) or not (foreign or isinstance(error, (TypeError, ValueError))):
            raise
        name = getattr(component, '__name__', component)
        raise UserError(f'{registry.name} {name!r} cannot be built with {settings}: {type(error).__name__}: {error}') from error


def resolve(cfg, registry, *, complete=True, **defaults):
    """The component that ``cfg`` names and its settings, checked against the signature but not built.

    ``complete=False`` leaves open that whoever builds it adds what is missing.
    """
    if not isinstance(cfg, dict) or 'type' not in cfg:
        raise UserError(f'a {registry.name} is written dict(type=…, …), but the config has {cfg!r}')
    settings = {**defaults, **cfg}
    name = settings.pop('type')
    component = look_up(name, registry) if isinstance(name, str) else name
    bound = _is_bound(component, registry)
    check_settings(component, settings, registry.name, complete=complete, bound=bound)
    if bound and getattr(registry, 'nests', False):
        for value in settings.values():
            _replace_configs(value, functools.partial(resolve, registry=registry))
    return component, settings


def _is_bound(component, registry):
    """Whether a component is a function whose tensors are still to come."""
    return not inspect.isclass(component) and getattr(registry, 'binds', True)


def _replace_configs(value, build):
    """A setting with ``build(config)`` in the place of each config in it."""
    if isinstance(value, dict):
        return build(value) if 'type' in value else {k: _replace_configs(v, build) for k, v in value.items()}
    if isinstance(value, (list, tuple)):  # a dict in a list can only be a config
        return [build(v) if isinstance(v, dict) else _replace_configs(v, build) for v in value]
    return value


def look_up(name, registry):
    """The component called ``name`` on the shelf, on its parents, or importable under its dotted path."""
    found = registry.get(name) if '.' not in name or name.split('.')[0] == 'scarceseg' else None
    if found is None and '.' in name:
        return import_dotted(name, registry.name)
    if found is None:
        known = known_names(registry)
        raise UserError(f'no {registry.name} is called {name!r}{nearest(name, known)}; known: {", ".join(known)}. '
                        'A component of your own needs its file in custom_imports')
    return found


def known_names(registry):
    """Every name on the shelf and on the shelves above it."""
    names = set()
    while registry is not None:
        names.update(registry.module_dict)
        registry = registry.parent
    return sorted(names)


def import_dotted(name, kind):
    """Import 'package.module.attribute'."""
    module, _, attribute = name.rpartition('.')
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise UserError(f'{kind} {name!r} cannot be imported: {error}; is the package installed?') from error
    except AttributeError as error:
        close = nearest(attribute, dir(importlib.import_module(module)))
        raise UserError(f'{kind} {name!r}: module {module!r} has no {attribute!r}{close}') from error
    except Exception as error:  # what a package raises when it does not fit another one's version
        raise UserError(f'{kind} {name!r} cannot be imported: {type(error).__name__}: {error}; does the version of '
                        f'{module.split(".")[0]} fit that of the packages it needs?') from error


def check_settings(component, settings, kind, *, complete=True, bound=True):
    """Compare the keys of a config with the component's signature."""
    parameters, open_ended = settable(component, keyword_only=bound)
    label = f'{kind} {getattr(component, "__name__", component)!r}'
    if not open_ended:
        for key in settings:
            if key not in parameters:
                raise UserError(f'{label} has no setting {key!r}{nearest(key, parameters)}; it has: {", ".join(parameters)}')
    missing = [p.name for p in parameters.values() if p.default is p.empty and p.name not in settings]
    if missing and complete:
        raise UserError(f'{label} needs a value for {", ".join(map(repr, missing))}; the config gives {sorted(settings)}')


def settable(component, *, keyword_only):
    """``{name: parameter}`` that a config may set, and whether there may be others.

    Of a function to bind these are the keyword-only ones. A class that passes ``**kwargs`` on is followed up its bases.
    """
    parameters = {}
    for owner in inspect.getmro(component) if inspect.isclass(component) else (component,):
        if inspect.isclass(component) and '__init__' not in vars(owner):
            continue
        try:
            signature = inspect.signature(owner).parameters.values()
        except (TypeError, ValueError):  # some C callables have none
            return parameters, True
        kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        kinds = kinds[:1] if keyword_only else kinds
        parameters = {**{p.name: p for p in signature if p.kind in kinds}, **parameters}
        if not any(p.kind is p.VAR_KEYWORD for p in signature):
            return parameters, False
    return parameters, True


def nearest(word, known, *, cutoff=0.6, numbered=False):
    """' (did you mean …?)' where a known word is near, else nothing; among ``numbered`` ones 'case8' is no slip for 'case9'."""
    letters = re.sub(r'\d', '', word.lower())
    lower = {k.lower(): k for k in known if not (numbered and re.sub(r'\d', '', k.lower()) == letters)}
    close = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=cutoff)
    return f' (did you mean {lower[close[0]]!r}?)' if close else ''
