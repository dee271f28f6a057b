"""What training and validation see: samples of several parts, and whole cases."""
from __future__ import annotations

import logging
import time

import numpy as np
from torch.utils.data import Dataset

from scarceseg.registry import DATASETS, UserError

from ..cache.store import DiskStore, default_folder, load_all
from .class_locations import index_label, item_locations, items_with_foreground, locations_in_box
from .focusing import on_foreground, places_views
from .patches import box_size, check_boxes, draw_box, outside_value, read_box
from .preparing import build, build_parts, build_prepare, build_simulate, build_transforms, case_keys, prepare_case

logger = logging.getLogger(__name__)
CACHES = ('memory', 'disk')


@DATASETS.register_module()
class PartsDataset(Dataset):
    """Training samples of one or several parts: slices, patches or whole cases, prepared once and transformed at each draw.

    An item is asked for by a ``Draw`` and is ``(part, sample)`` with ``image`` (C, *space) float32, ``label`` (*space) uint8 where
    the part has labels, ``name``, and whatever other arrays the transforms leave. Everything random comes from the draw alone.
    Transforms that place a view on the foreground find ``class_locations``, {class: flat indices into the label}, in the sample.

    Args:
        parts: {part: a data set of whole cases, or its config}; parts are called 'labeled', 'unlabeled', 'scribbled',
            'clean' or 'noisy'. Labels of the part 'unlabeled' are not read, even where there are some.
        prepare: deterministic transforms of a whole case, done once.
        transforms: random transforms of a sample, done at each draw.
        part_transforms: {part: further transforms of its samples}, behind the others, such as the strong views of unlabelled ones.
        slices: an item is a slice along the first axis of space, for 2D networks, instead of a whole case.
        patch: an item is cut to a random box of so many voxels along each axis, None for all of it, before it is transformed; of
            a case on disk nothing else is read. Outside the image is its minimum, and 255 in the label.
        margin: voxels that are added to the box at each side, a number or one for each axis, for transforms that rotate and crop.
        foreground: probability that the box is placed around a voxel of a foreground class.
        simulate: {part: transforms of its raw cases, done once before ``prepare``}, such as ``simulate_scribbles``.
        annotated_only: leave out slices (or cases) of labelled parts that have no annotated voxel.
        cache: 'memory' reads every case at the start, which also checks every file before training; 'disk' keeps
            prepared cases in memory-mapped files under ``store``.
        store: folder of the disk cache; default $SCARCESEG_CACHE or ~/.cache/scarceseg.
    """

    def __init__(self, parts, prepare=(), transforms=(), part_transforms=None, slices=False, patch=None, margin=0, foreground=0.0,
                 simulate=None, annotated_only=True, cache='memory', store=None):
        if cache not in CACHES:
            raise UserError(f'cache={cache!r} is unknown; known: {", ".join(CACHES)}')
        check_boxes(patch, margin, foreground)
        self.parts, simulate = build_parts(parts), simulate or {}
        self.prepare, self.simulate = build_prepare(prepare), build_simulate(simulate, self.parts)
        self.transforms = build_transforms(transforms, part_transforms, self.parts)
        self.certain = {part: on_foreground(chain) for part, chain in self.transforms.items()}
        self.focusing = {part: places_views(chain) for part, chain in self.transforms.items()}
        self.slices, self.patch, self.margin, self.foreground = slices, patch, margin, foreground
        self.store = DiskStore(store or default_folder()) if cache == 'disk' else None
        self.keys = {name: case_keys(part, simulate=simulate.get(name, ()), prepare=prepare, slices=slices)
                     for name, part in self.parts.items()} if cache == 'disk' else {}
        start = time.perf_counter()
        self.cases = {name: load_all(lambda i, n=name: self._load(n, i), len(part)) for name, part in self.parts.items()}
        self.items = {name: self._list_items(cases, annotated_only) for name, cases in self.cases.items()}
        self.sizes = {name: len(items) for name, items in self.items.items()}
        self.with_foreground = {name: self._list_foreground(name) for name in self.parts}
        self.metainfo = {'parts': {name: len(cases) for name, cases in self.cases.items()}}
        for name, size in self.sizes.items():
            if patch is not None and self.cases[name]:
                box_size(patch, margin, self.cases[name][0]['image'].shape[2 if slices else 1:], self.cases[name][0]['name'])
            if not size:
                raise UserError(f'part {name!r} has {len(self.cases[name])} cases, but not one annotated voxel to learn from')
            logger.info('%s: %d %s of %d cases, read in %.1f s', name, size, 'slices' if slices else 'images',
                        len(self.cases[name]), time.perf_counter() - start)

    def _load(self, part, i):
        if self.store is None:
            return self._make(part, i)
        return self.store.get(self.keys[part][i], lambda: self._make(part, i))

    def _make(self, part, i):
        sample = prepare_case(prepare_case(self.parts[part][i], self.simulate.get(part, ())), self.prepare)
        space = sample['image'].shape[1:]
        if self.slices and len(space) != 3:
            raise UserError(f'case {sample["name"]} has {len(space)} axes of space; slices=True needs volumes '
                            '(z, y, x), for 2D images leave it out')
        arrays = {k: np.asarray(v) for k, v in sample.items() if isinstance(v, np.ndarray) or k == 'present'}
        grid = [k for k, v in arrays.items() if v.shape[-len(space):] == space]
        index = index_label(sample['label'], slices=self.slices) if 'label' in sample else {}
        return dict(arrays, **index, name=sample['name'], spacing_mm=sample.get('spacing_mm'), grid=grid,
                    loose=[k for k in arrays if k not in grid], lowest=[float(c.min()) for c in sample['image']])

    def _list_items(self, cases, annotated_only):
        """(case, slice) of every item; slice is -1 for a whole case."""
        items = []
        for i, case in enumerate(cases):
            if annotated_only and 'annotated' in case:
                use = case['annotated']
            else:
                use = np.ones(case['image'].shape[1] if self.slices else 1, bool)
            items.extend((i, int(s) if self.slices else -1) for s in np.flatnonzero(use))
        return items

    def _list_foreground(self, part):
        """Indices of the items that have a voxel of a foreground class."""
        found = set()
        for i, case in enumerate(self.cases[part]):
            if 'locations' in case:
                size = int(np.prod(case['label'].shape[1 if self.slices else 0:]))
                found.update((i, int(s) if self.slices else -1) for s in items_with_foreground(case, size))
        return [k for k, item in enumerate(self.items[part]) if item in found]

    def __len__(self):
        return sum(self.sizes.values())

    def __getitem__(self, draw):
        rng = np.random.default_rng(draw.entropy)
        sample = self._item(draw, rng)
        for transform in (self.certain if draw.foreground else self.transforms)[draw.part]:
            sample = transform(sample, rng)
        return draw.part, {k: np.ascontiguousarray(v) if k != 'name' else v for k, v in sample.items()
                           if k == 'name' or isinstance(v, np.ndarray)}

    def _item(self, draw, rng):
        """The slice, patch or case that a draw means, before it is transformed."""
        index, place = self.items[draw.part][draw.index]
        case = self.cases[draw.part][index]
        arrays = {k: case[k] for k in case['grid']}
        spacing = tuple(case['spacing_mm']) if case['spacing_mm'] else None
        if place >= 0:
            arrays = {k: a[..., place, :, :] for k, a in arrays.items()}
            spacing = spacing and spacing[1:]
        space = arrays['image'].shape[1:]
        focused = self.patch is not None and (draw.foreground or (self.foreground > 0 and rng.random() < self.foreground))
        locations = item_locations(case, place, space) if 'locations' in case and (focused or self.focusing[draw.part]) else None
        if self.patch is not None:
            size, margin = box_size(self.patch, self.margin, space, case['name'])
            start = draw_box(rng, space, size, locations=locations if focused else None)
            start, size = [s - m for s, m in zip(start, margin)], [s + 2 * m for s, m in zip(size, margin)]
            arrays = {k: read_box(a, start, size, fill=outside_value(k, case)) for k, a in arrays.items()}
            if locations is not None:
                locations = locations_in_box(locations, space, start, size) if self.focusing[draw.part] else None
        sample = dict(arrays, name=case['name'], spacing_mm=spacing, **{k: case[k] for k in case['loose']})
        return sample if locations is None else dict(sample, class_locations=locations)


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
