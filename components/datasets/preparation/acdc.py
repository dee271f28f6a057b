"""ACDC [Bernard 2018] with the scribbles of Valvano [Valvano 2021].

Read are three layouts, as the code reads them that is published with Valvano's paper and in WSL4MIS. The official download has a
folder for each patient, ``training/patient001`` (and ``testing/patient101``), with ``Info.cfg``, ``patient001_4d.nii.gz``, and, for
the two frames that Info.cfg names as ED and ES, ``patient001_frame01.nii.gz`` and ``patient001_frame01_gt.nii.gz``. The scribbles
are ``patient001_frame01_scribble.nii.gz``, in one folder or in one for each patient. WSL4MIS gives out the same cases as
``ACDC_training_volumes/patient001_frame01.h5`` with data sets image, label and scribble (z, y, x), intensities from 0 to 1,
without voxel sizes.
"""
from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from scarceseg.registry import UserError

from . import published
from .containers import convert_h5
from .plan import UNPACKED, Plan, check_folder
from .steps import copy_file

FRAME = re.compile(r'(patient(\d{3})_frame\d{2})(_gt|_scribble)?(\.nii\.gz|\.nii|\.h5)$')
NOMINAL_MM = (10.0, 1.5625, 1.5625)
CLASSES = {k: k for k in range(4)}
SCRIBBLE = {**CLASSES, 4: 4}  # 4 is "not annotated"


def acdc_plan(source, *, scribbles=None, link=False):
    """The ``Plan`` of ACDC: ``images``, ``labels``, ``scribbles`` and the published split.

    Args:
        source: folder of the download, or of the .h5 files.
        scribbles: folder of the scribbles, or None; .h5 files have them.
        link: link to files that are taken as they are instead of copying them.

    Raises:
        UserError: there are no such cases, a frame of Info.cfg is missing, or a case is there twice.
    """
    found = _frames(source)
    if scribbles is not None:
        for name, files in _frames(scribbles).items():
            found.setdefault(name, {}).update({'_scribble': files['_scribble']} if '_scribble' in files else {})
    names = sorted(n for n in found if '' in found[n])
    if not names:
        raise UserError(f'{source} has no files such as patient001_frame01.nii.gz or patient001_frame01.h5; {UNPACKED}')
    _check_frames(source, names)
    cases = {name: _case_files(name, found[name], link) for name in names}
    drawn = [n for n in names if f'scribbles/{n}' in {f.split('.')[0] for f in cases[n]}]
    numbers = {n: int(FRAME.match(f'{n}.nii').group(2)) for n in names}
    people = {number for number in numbers.values() if number <= published.ACDC_PATIENTS}
    notes = published.note_on_split(len(people), published.ACDC_PATIENTS, 'patients')
    if drawn and len(drawn) < len(names):
        notes += (f'{len(names) - len(drawn)} of {len(names)} cases have no scribbles',)
    places = dict(source=str(Path(source).resolve()), scribbles=scribbles and str(Path(scribbles).resolve()))
    facts = {'split': 'published with the examples of PyMIC, by patient', 'patient': r'patient\d+'}
    return Plan('ACDC', dict(kind='acdc', link=link, **places), cases, _lists(names, numbers), facts, notes)


def _frames(folder):
    """``{case: {'': image, '_gt': label, '_scribble': scribble}}`` of all files below a folder."""
    check_folder(folder)
    found = {}
    for path in sorted(Path(folder).rglob('patient*_frame*')):
        match = FRAME.match(path.name)
        if match and path.is_file():
            kind = match.group(3) or ''
            files = found.setdefault(match.group(1), {})
            if kind in files:
                raise UserError(f'case {match.group(1)!r} is there twice, {files[kind]} and {path}; give a folder that has it once')
            files[kind] = path
    return found


def _check_frames(source, names):
    """Raise UserError where a frame that an Info.cfg names as ED or ES is not there."""
    for info in sorted(Path(source).rglob('Info.cfg')):
        frames = dict(re.findall(r'^(E[DS])\s*:\s*(\d+)', info.read_text(errors='replace'), re.MULTILINE))
        for phase, number in frames.items():
            name = f'{info.parent.name}_frame{int(number):02d}'
            if re.fullmatch(r'patient\d{3}', info.parent.name) and name not in names:
                raise UserError(f'{info} says that frame {number} is {phase}, but there is no {name}.nii.gz; unpack the download '
                                'again')


def _case_files(name, files, link):
    if files[''].suffix == '.h5':
        settings = dict(source=files[''], spacing_mm=NOMINAL_MM)
        return {f'images/{name}.nii.gz': partial(convert_h5, key='image', **settings),
                f'labels/{name}.nii.gz': partial(convert_h5, key='label', values=CLASSES, **settings),
                f'scribbles/{name}.nii.gz': partial(convert_h5, key='scribble', values=SCRIBBLE, **settings)}
    folders = {'': 'images', '_gt': 'labels', '_scribble': 'scribbles'}
    return {f'{folders[kind]}/{name}{FRAME.match(file.name).group(4)}': partial(copy_file, source=file, link=link)
            for kind, file in files.items()}


def _lists(names, numbers):
    """The published split, and the official test cases, if they are there, apart from it."""
    def of(people):
        return {n for n in names if numbers[n] in people}
    official = {n for n in names if numbers[n] > published.ACDC_PATIENTS}
    parts = published.parts_of(names, valid=of(published.ACDC_VALID), test=of(published.ACDC_TEST), official_test=official)
    parts['labeled_10pct'] = [n for n in parts['train'] if n in of(published.ACDC_LABELED)]
    parts['unlabeled_90pct'] = [n for n in parts['train'] if n not in parts['labeled_10pct']]
    return {f'{part}.txt': own for part, own in parts.items() if own}
