"""What training and validation see: samples of several parts, and whole cases."""
from __future__ import annotations

import inspect
import logging
import os
import time

import numpy as np
from torch.utils.data import Dataset

from scarceseg.components.labels import IGNORE
from scarceseg.registry import DATASETS, TRANSFORMS, UserError

from .store import DiskStore, load_all

logger = logging.getLogger(__name__)
CACHES = ('memory', 'disk')


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


@DATASETS.register_module()
class PartsDataset(Dataset):
    """Training samples of one or several parts: slices or whole cases, prepared once and transformed at each draw.

    An item is asked for by a ``Draw`` (part, index, entropy) and is ``(part, sample)`` with ``image`` (C, *space) float32,
    ``label`` (*space) uint8 where the part has labels, and ``name``. The random transforms draw from the entropy alone.

    Args:
        parts: {part: a data set of whole cases, or its config}; parts are called 'labeled', 'unlabeled', 'scribbled',
            'clean' or 'noisy'.
        prepare: deterministic transforms of a whole case, done once.
        transforms: random transforms of a sample, done at each draw.
        slices: an item is a slice along the first axis of space, for 2D networks, instead of a whole case.
        annotated_only: leave out slices (or cases) of labelled parts that have no annotated voxel.
        cache: 'memory' reads every case at the start, which also checks every file before training; 'disk' keeps
            prepared cases in memory-mapped files under ``store``.
        store: folder of the disk cache; default $SCARCESEG_CACHE or ~/.cache/scarceseg.
    """

    def __init__(self, parts, prepare=(), transforms=(), slices=False, annotated_only=True, cache='memory', store=None):
        if cache not in CACHES:
            raise UserError(f'cache={cache!r} is unknown; known: {", ".join(CACHES)}')
        self.parts = {name: build(part) for name, part in parts.items()}
        self.prepare_config = list(prepare)
        self.prepare = build_prepare(prepare)
        self.transforms = [TRANSFORMS.build(t) for t in transforms]
        self.slices = slices
        self.store = DiskStore(store or os.environ.get('SCARCESEG_CACHE', '~/.cache/scarceseg')) if cache == 'disk' else None
        start = time.perf_counter()
        self.cases = {name: load_all(lambda i, p=part: self._load(p, i), len(part)) for name, part in self.parts.items()}
        self.items = {name: self._list_items(cases, annotated_only) for name, cases in self.cases.items()}
        self.sizes = {name: len(items) for name, items in self.items.items()}
        self.metainfo = {'parts': {name: len(cases) for name, cases in self.cases.items()}}
        for name, size in self.sizes.items():
            if not size:
                raise UserError(f'part {name!r} has {len(self.cases[name])} cases, but not one annotated voxel to learn from')
            logger.info('%s: %d %s of %d cases, read in %.1f s', name, size, 'slices' if slices else 'images',
                        len(self.cases[name]), time.perf_counter() - start)

    def _load(self, part, i):
        def make():
            sample = prepare_case(part[i], self.prepare)
            if self.slices and sample['image'].ndim != 4:
                raise UserError(f'case {sample["name"]} has {sample["image"].ndim - 1} axes of space; slices=True needs volumes '
                                '(z, y, x), for 2D images leave it out')
            return {k: sample[k] for k in ('name', 'image', 'label', 'spacing_mm') if k in sample}
        return make() if self.store is None else self.store.get([part.key(i), self.prepare_config], make)

    def _list_items(self, cases, annotated_only):
        """(case, slice) of every item; slice is -1 for a whole case."""
        items = []
        for i, case in enumerate(cases):
            depth = case['image'].shape[1] if self.slices else 1
            if annotated_only and 'label' in case:
                annotated = case['label'] != IGNORE
                use = annotated.reshape(depth, -1).any(1)
            else:
                use = np.ones(depth, bool)
            items.extend((i, int(s) if self.slices else -1) for s in np.flatnonzero(use))
        return items

    def __len__(self):
        return sum(self.sizes.values())

    def __getitem__(self, draw):
        case_index, place = self.items[draw.part][draw.index]
        case = self.cases[draw.part][case_index]
        cut = (lambda a: a[..., place, :, :]) if place >= 0 else (lambda a: a)
        spacing = case['spacing_mm'] and tuple(case['spacing_mm'])
        sample = dict(name=case['name'], image=cut(case['image']), spacing_mm=spacing[1:] if spacing and place >= 0 else spacing)
        if 'label' in case:
            sample['label'] = cut(case['label'])
        rng = np.random.default_rng(draw.entropy)
        for transform in self.transforms:
            sample = transform(sample, rng)
        return draw.part, {k: np.ascontiguousarray(sample[k]) if k != 'name' else sample[k]
                           for k in ('image', 'label', 'name') if k in sample}


@DATASETS.register_module()
class CasesDataset(Dataset):
    """Whole cases for validation and test: item i is ``('case', sample)``.

    The image is prepared as in training; the label stays on the grid of its file, and the sample's ``history`` says how a
    prediction gets back there.

    Args:
        cases: a data set of whole cases, or its config.
        prepare: deterministic transforms of a whole case.
        keep: hold prepared cases in memory, for validation again and again.
    """

    def __init__(self, cases, prepare=(), keep=True):
        self.cases = build(cases)
        self.prepare = build_prepare(prepare)
        self.metainfo = {'classes': list(self.cases.classes)}
        self._kept = load_all(self._load, len(self.cases)) if keep else None

    def __len__(self):
        return len(self.cases)

    def __getitem__(self, i):
        return 'case', self._kept[i] if self._kept is not None else self._load(i)

    def _load(self, i):
        raw = self.cases[i]
        label = raw.pop('label', None)
        sample = prepare_case(raw, self.prepare)
        return sample if label is None else {**sample, 'label': label}


def build(dataset):
    """A data set from its config; one that is built already stays as it is."""
    return DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
