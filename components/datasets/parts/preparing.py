"""From configs to data sets of whole cases, and what is done to each case once."""
from __future__ import annotations

import copy
import hashlib
import inspect

from scarceseg.registry import DATASETS, TRANSFORMS, UserError
from scarceseg.registry.binding import nearest

from .. import simulators  # noqa: F401  they are transforms too, and stand on that shelf
from ..cache.contents import code_key
from ..layouts.patients import patients_of
from .class_locations import index_label

UNLABELED = 'unlabeled'


def build(dataset):
    """A data set from its config; one that is built already stays as it is."""
    return DATASETS.build(dataset) if isinstance(dataset, dict) else dataset


@DATASETS.register_module(name='SubsetDataset')
def subset(cases, share, rest=False, seed=0, patient=None, classes=None):
    """Some of the cases of a data set, or the rest of them: a labelled and an unlabelled part without split lists.

    Which cases they are depends on the seed and the names of all; the choice of a smaller share is within that of a larger one.

    Args:
        cases: data set of files, or its config.
        share: of the cases, or of the patients, in (0, 1), at least one; or their number.
        rest: give the others.
        seed: another seed is another choice.
        patient: regular expression for what of a case's name tells the patient, whose cases stay together; None: each by itself.
        classes: passed on to ``cases``.

    Raises:
        UserError: a data set without files, or a share that leaves nothing on one side.
    """
    cases = build(cases if classes is None or not isinstance(cases, dict) else {'classes': classes, **cases})
    files = getattr(cases, 'files', None)
    if not isinstance(files, dict):
        raise UserError(f'SubsetDataset chooses cases of files, but got {type(cases).__name__}')
    groups, what = (list(files), 'cases') if patient is None else (patients_of(list(files), patient), 'patients')
    line = sorted(set(groups), key=lambda group: hashlib.sha256(f'{seed} {group}'.encode()).hexdigest())
    count = share if isinstance(share, int) else max(1, round(share * len(line)))
    if not 0 < count < len(line):
        raise UserError(f'share={share} of {len(line)} {what} is {count}; give a share above 0 and below 1, or a number of {what} '
                        f'from 1 to {len(line) - 1}')
    chosen = set(line[count:] if rest else line[:count])
    return restricted(cases, {name: entry for (name, entry), group in zip(files.items(), groups) if group in chosen})


def restricted(cases, files):
    """A data set of files with other ``files``."""
    cases = copy.copy(cases)
    cases.files, cases.names = files, list(files)
    return cases


def build_prepare(configs):
    """The deterministic transforms of a config.

    Raises:
        UserError: a random one is among them.
    """
    steps = [TRANSFORMS.build(t) for t in configs]
    for step in steps:
        rng = inspect.signature(step.func).parameters.get('rng')
        if rng is not None and rng.default is rng.empty:
            raise UserError(f'transform {step.func.__name__!r} is random and cannot be in prepare; put it into transforms')
    return steps


def prepare_case(sample, steps):
    """Run the deterministic transforms on a whole case."""
    for step in steps:
        sample = step(sample, None)
    return sample


def build_transforms(configs, of_parts, parts):
    """``{part: its random transforms}``: those of all parts, then its own.

    Raises:
        UserError: transforms of a part that is not there.
    """
    for part in of_parts or {}:
        if part not in parts:
            raise UserError(f'part_transforms names part {part!r}{nearest(part, parts)}; the data set has {", ".join(parts)}')
    return {part: [TRANSFORMS.build(t) for t in [*configs, *(of_parts or {}).get(part, [])]] for part in parts}


def build_simulate(configs, parts):
    """``{part: its deterministic transforms}`` of a config.

    Raises:
        UserError: a part that is not there, or a random transform.
    """
    for part in configs:
        if part not in parts:
            raise UserError(f'simulate names part {part!r}{nearest(part, list(parts))}; the data set has {", ".join(parts)}')
    return {part: build_prepare(steps) for part, steps in configs.items()}


def build_parts(configs):
    """``{part: its data set of whole cases}`` of configs; that of the part 'unlabeled' has no labels."""
    return {name: unlabelled(build(part)) if name == UNLABELED else build(part) for name, part in configs.items()}


def case_keys(cases, *, simulate, prepare, slices):
    """What each prepared case of a part is made from, for a store.

    Args:
        cases: data set of whole cases.
        simulate, prepare: configs of the deterministic transforms.
        slices: whether items are slices.
    """
    code = code_key(*build_prepare([*simulate, *prepare]), *type(cases).__mro__, index_label)
    return [[cases.key(i), cases.names[i], list(simulate), list(prepare), slices, code] for i in range(len(cases))]


class WithoutLabels:
    """The cases of a data set without their labels."""

    def __init__(self, cases):
        self.cases, self.names = cases, cases.names

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, i):
        return {k: v for k, v in self.cases[i].items() if not k.startswith('label')}

    def key(self, i):
        """What case i is made from, for a store."""
        return ['without labels', self.cases.key(i)]


def unlabelled(cases):
    """A data set's cases without their labels, whose files, if there are some, are not read."""
    files = getattr(cases, 'files', None)
    if not isinstance(files, dict):
        return WithoutLabels(cases)
    return restricted(cases, {name: (images, None) for name, (images, _) in files.items()})
