"""The left-atrium set of the 2018 challenge [Xiong 2021].

Read are two layouts, as the code of UA-MT [Yu 2019] reads and writes them. The official download has a folder for each case,
``Training Set/NAME`` (and ``Testing Set/NAME``), with ``lgemri.nrrd`` and ``laendo.nrrd``, whose atrium has the value 255. Their
headers do not know the voxel size and say 1×1×1 mm; the challenge says 0.625 mm. UA-MT gives out the training cases as
``NAME/mri_norm2.h5`` with data sets image and label (x, y, z), of mean 0 and deviation 1 and cut to a box around the atrium. They
know neither voxel size nor directions, and get those of the official files: 0.625 mm, to the left, back and up.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

from scarceseg.registry import UserError

from . import published
from .containers import convert_h5
from .plan import UNPACKED, Plan, check_folder
from .steps import convert_image, convert_label

NOMINAL_MM = (0.625, 0.625, 0.625)
LEFT_BACK_UP = (-1, -1, 1)
VALUES = {0: 0, 1: 1, 255: 1}


def atrium_plan(source, *, shrink=1):
    """The ``Plan`` of the left atrium: ``images``, ``labels`` (0 and 1) and the published split.

    Args:
        source: folder of the download, or of UA-MT's files.
        shrink: a voxel is the mean of a cube of so many along each axis; 2 gives the 1.25 mm of the configs for a CPU.

    Raises:
        UserError: there are no such cases, one is there twice, or an image has no label.
    """
    check_folder(source)
    if shrink < 1:
        raise UserError(f'--shrink {shrink} must be 1 or more')
    images = sorted(Path(source).rglob('lgemri.nrrd')) or sorted(Path(source).rglob('mri_norm2.h5'))
    if not images:
        raise UserError(f'{source} has no files such as NAME/lgemri.nrrd or NAME/mri_norm2.h5; {UNPACKED}')
    cases, testing = {}, set()
    for image in images:
        name = image.parent.name
        if name in cases:
            raise UserError(f'case {name!r} is there twice, the second time as {image}; give a folder that has it once')
        cases[name] = _case_files(name, image, shrink)
        if 'test' in image.parent.parent.name.lower():
            testing.add(name)
    notes = published.note_on_split(len(cases) - len(testing), published.ATRIUM_CASES, 'official training cases')
    if images[0].suffix == '.h5':
        notes += ('the .h5 files are cut around the atrium by the label, and their voxel size is taken to be 0.625 mm',)
    else:
        notes += ('where a header says 1×1×1 mm, as those of the challenge do, the voxel size is taken to be 0.625 mm',)
    record = dict(kind='atrium', source=str(Path(source).resolve()), shrink=shrink)
    facts = {'split': 'published with UA-MT (test) and the examples of PyMIC'}
    return Plan('LA', record, cases, _lists(sorted(cases), testing), facts, notes)


def _case_files(name, image, shrink):
    if image.suffix == '.h5':
        settings = dict(source=image, spacing_mm=NOMINAL_MM, x_first=True, signs=LEFT_BACK_UP, shrink=shrink)
        return {f'images/{name}.nii.gz': partial(convert_h5, key='image', **settings),
                f'labels/{name}.nii.gz': partial(convert_h5, key='label', values=VALUES, **settings)}
    label = image.with_name('laendo.nrrd')
    if not label.is_file():
        raise UserError(f'case {name!r} has {image}, but no {label.name} beside it; unpack the download again')
    settings = dict(shrink=shrink, unset_mm=NOMINAL_MM)
    return {f'images/{name}.nii.gz': partial(convert_image, source=image, **settings),
            f'labels/{name}.nii.gz': partial(convert_label, source=label, values=VALUES, **settings)}


def _lists(names, testing):
    parts = published.parts_of(names, valid=set(published.ATRIUM_VALID) - testing, test=set(published.ATRIUM_TEST) - testing,
                               official_test=testing)
    parts['labeled_10pct'] = [n for n in parts['train'] if n in published.ATRIUM_LABELED]
    parts['unlabeled_90pct'] = [n for n in parts['train'] if n not in parts['labeled_10pct']]
    return {f'{part}.txt': own for part, own in parts.items() if own}
