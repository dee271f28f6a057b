"""A suite as it is written, checked before anything starts."""
from __future__ import annotations

import contextlib
import re
from argparse import Namespace
from pathlib import Path
from typing import NamedTuple

from mmengine.config import ConfigDict, DictAction

from scarceseg.components.evaluators import make_measures
from scarceseg.registry import UserError, load_config
from scarceseg.registry.binding import nearest
from scarceseg.registry.paths import shipped_suites

KEYS = ('name', 'members', 'baseline', 'test', 'metrics')
MEMBER = ('config', 'name', 'seeds', 'folds', 'options')
TEST = {'tta': False, 'checkpoint': 'last'}


class Member(NamedTuple):
    """A method of a suite: a config, under which ``name`` it is compared, and how often it is trained.

    Attributes:
        config: file or shipped name.
        seeds: a training for each.
        folds: a training for each, of every seed; () where there are none.
        options: {key of the config: value}, as for --cfg-options.
    """

    name: str
    config: str
    seeds: tuple
    folds: tuple
    options: dict

    @property
    def slug(self):
        """The name as a part of file names."""
        return re.sub(r'\W+', '_', self.name.lower()).strip('_')


class Suite(NamedTuple):
    """A list of members, and how all of them are tested and evaluated.

    Attributes:
        baseline: name of the member that the others are tested against, or None.
        test: ``tta`` and ``checkpoint``, 'last' or 'best', as for tools/test.py.
        metrics: names and configs of metrics, or None for those of each config.
    """

    name: str
    members: tuple
    baseline: str | None
    test: dict
    metrics: tuple | None

    @property
    def needs_prob(self):
        """Whether a metric is of probabilities."""
        return any(m.traits.needs_prob for m in make_measures(self.metrics or ()))


def load_suite(name):
    """The ``Suite`` of a file, or of a shipped name ('wsl_acdc').

    Raises:
        UserError: there is none, or something in it is unknown, missing or twice there. The members' configs are only looked at
            where a ``Plan`` is made.
    """
    path = find_suite(name)
    written = load_config(str(path)).get('suite')
    if not isinstance(written, dict):
        raise UserError(f'{path} is no suite; it needs suite = dict(members=[dict(config=…, name=…), …], …)')
    return make_suite(written, path)


def find_suite(name):
    """The file of a suite given by path, or by its name among the shipped ones."""
    if Path(name).is_file():
        return Path(name)
    shipped = shipped_suites()
    wanted = Path(name).stem
    if wanted not in shipped:
        raise UserError(f'there is no suite file {name!r}, nor a shipped suite of that name{nearest(wanted, shipped)}; '
                        f'shipped: {", ".join(shipped)}')
    return shipped[wanted]


def make_suite(written, path):
    """The ``Suite`` of a dict read from ``path``."""
    _check_keys(written, KEYS, f'suite {path}')
    name = written.get('name', Path(path).stem)
    if not isinstance(name, str) or not re.fullmatch(r'[\w.-]+', name):
        raise UserError(f'suite {path}: name={name!r} names a folder; give letters, digits and _')
    members = tuple(_make_member(entry, k, path) for k, entry in enumerate(written.get('members') or ()))
    if not members:
        raise UserError(f'suite {path} has no members; list some, members=[dict(config=…, name=…), …]')
    slugs = [m.slug for m in members]
    twice = next((m for m in members if not m.slug or slugs.count(m.slug) > 1), None)
    if twice:
        raise UserError(f'suite {path}: name={twice.name!r} of a member must have letters or digits, and differ from the others')
    names, baseline = [m.name for m in members], written.get('baseline')
    if baseline is not None and baseline not in names:
        raise UserError(f'suite {path}: baseline={baseline!r} is the name of no member{nearest(str(baseline), names)}: '
                        f'{", ".join(names)}')
    metrics = written.get('metrics')
    suite = Suite(name, members, baseline, _make_test(written.get('test', {}), path), metrics and tuple(map(_plain, metrics)))
    check_metrics(suite.metrics or (), path)
    return suite


def check_metrics(metrics, path):
    """Raise UserError where a metric is unknown, or has settings that eval.py does not take."""
    for metric in metrics:
        settings = {k: v for k, v in metric.items() if k != 'type'} if isinstance(metric, dict) else {}
        if any(isinstance(v, bool) or not isinstance(v, (int, float)) for v in settings.values()):
            raise UserError(f'suite {path}: the metric {metric} has settings that are no numbers, which eval.py does not take')
    make_measures(metrics)


def _make_member(entry, k, path):
    where = f'suite {path}, member {k + 1}'
    if not isinstance(entry, dict) or 'config' not in entry:
        raise UserError(f'{where}: {entry!r} is written dict(config=…, name=…, seeds=(0, 1, 2), folds=…, options={{…}})')
    _check_keys(entry, MEMBER, where)
    config = str(entry['config'])
    beside = Path(path).parent / config
    config = str(beside) if beside.is_file() and not Path(config).is_file() else config
    options = _plain(entry.get('options') or {})
    return Member(str(entry.get('name', Path(config).stem)), config, _numbers(entry, 'seeds', (0,), f'{where}: ', least=0),
                  _numbers(entry, 'folds', (), f'{where}: ', least=1), flat_options(options, where))


def _make_test(test, path):
    _check_keys(test, TEST, f'suite {path}, test')
    test = {**TEST, **test}
    if test['checkpoint'] not in ('last', 'best') or not isinstance(test['tta'], bool):
        raise UserError(f'suite {path}: test={test} must have tta=True or False and checkpoint=\'last\' or \'best\'')
    return test


def _check_keys(entry, known, where):
    if not isinstance(entry, dict):
        raise UserError(f'{where} is {entry!r}; expected a dict with {", ".join(known)}')
    for key in entry:
        if key not in known:
            raise UserError(f'{where} has an unknown key {key!r}{nearest(key, known)}; known: {", ".join(known)}')


def _numbers(entry, key, default, where, *, least):
    numbers = entry.get(key, default) or default
    if isinstance(numbers, int) or any(type(n) is not int or n < least for n in numbers) or len(set(numbers)) < len(numbers):
        raise UserError(f'{where}{key}={numbers!r} must be different whole numbers from {least}, such as ({least}, {least + 1})')
    return tuple(numbers)


def _plain(entry):
    """mmengine's dicts as dicts, however deep."""
    return ConfigDict(entry).to_dict() if isinstance(entry, dict) else entry


def flat_options(options, where=''):
    """``{'a.b': value}`` of options that may be nested, of which each can be said on a command line.

    Raises:
        UserError: a value is read otherwise there.
    """
    flat = {}
    for key, value in options.items():
        if isinstance(value, dict) and value:
            flat.update({f'{key}.{name}': v for name, v in flat_options(value, where).items()})
        else:
            flat[key] = value
    for key, value in flat.items():
        if isinstance(value, dict) or _as_read(option_text(value)) != value:
            raise UserError(f'{where}: the option {key}={value!r} cannot be given on a command line; write a config of your own '
                            'that has the shipped one as _base_')
    return flat


def option_text(value):
    """A value as --cfg-options takes it."""
    if isinstance(value, (list, tuple)):
        text = ','.join(option_text(v) for v in value)
        return f'({text})' if isinstance(value, tuple) else f'[{text}]'
    return str(value)


def _as_read(text):
    """What --cfg-options makes of a text."""
    found = Namespace()
    with contextlib.suppress(AssertionError, RecursionError):
        DictAction(['--cfg-options'], 'read', nargs='+')(None, found, [f'key={text}'])
    return getattr(found, 'read', {}).get('key', ...)
