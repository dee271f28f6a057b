"""One case, read from its files one by one, so that all that is wrong with it is found."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import UserError

from ..formats.images import load_image
from .grids import grid_problem
from .sources import described, has_files


def read_case(cases, i, facts):
    """(image, label, ``Geometry``) of case i of a data set, each None where there is none or it cannot be read.

    Args:
        cases: a data set of whole cases.
        facts: the ``Facts`` of the case, where problems are noted.
    """
    if not has_files(cases):
        return _from_sample(cases, i, facts)
    image, geometry = _read_image(cases, facts)
    return image, _read_label(cases, facts, geometry), geometry


def _from_sample(cases, i, facts):
    """(image, label, ``Geometry``) of a case of a data set without files, each None where it is not to be had."""
    try:
        sample = cases[i]
        facts.case = str(sample.get('name', facts.case))
        image, label = sample['image'], sample.get('label')
        if not isinstance(image, np.ndarray) or image.ndim not in (3, 4) or image.dtype != np.float32 or not image.size:
            raise UserError(f'its image is {type(image).__name__} of {getattr(image, "dtype", None)} and shape '
                            f'{tuple(getattr(image, "shape", ()))}; expected was a float32 array (C, *space)')
        if label is not None and (label.shape != image.shape[1:] or label.dtype != np.uint8):
            facts.say('grid', f'case {facts.case} has a label of shape {label.shape} and {label.dtype}, but its image asks for '
                              f'{image.shape[1:]} and uint8')
            label = None
    except Exception as error:  # of a data set of one's own it may be any
        facts.say('unreadable', f'case {facts.case} cannot be read: {described(error)}')
        return None, None, None
    return image, label, sample.get('geometry')


def _read_image(cases, facts):
    """(image, ``Geometry``) of all channels, or None in the place of what cannot be read."""
    read, whole = [], True
    for file in (f for f in cases.files[facts.case][0] if f is not None):
        try:
            read.append((file, *load_image(file)))
        except UserError as error:
            facts.say('unreadable', str(error))
            whole = False
    for file, _, geometry in read[1:]:
        problem = grid_problem(geometry, read[0][2], f'case {facts.case}: {file} and {read[0][0]}')
        if problem:
            facts.say(*problem)
            whole = whole and problem[0] != 'grid'
    if not whole or not read:
        return None, read[0][2] if read else None
    image = np.concatenate([array for _, array, _ in read])
    names = cases.modalities
    if names and len(names) != len(image) and cases.missing == 'error':
        facts.say('channels', f'case {facts.case} has {len(image)} channels, but expected were {len(names)} ({", ".join(names)})')
    return image, read[0][2]


def _read_label(cases, facts, geometry):
    """The label in class indices, or None where there is none or it cannot be read."""
    file = cases.files[facts.case][1]
    if file is None:
        return None
    try:
        stored, place = load_image(file, label=True)
    except UserError as error:
        wrong = 'is a label, but' in str(error)
        facts.say('values' if wrong else 'unreadable', f'{error}{_exchanged(cases, facts) if wrong else ""}')
        return None
    problem = geometry and grid_problem(place, geometry, f'case {facts.case}: the label {file} and its image')
    if problem:
        facts.say(*problem)
    try:
        return cases.values.to_classes(stored, f'case {facts.case}: the label {file}')
    except UserError as error:
        facts.say('values', f'{error}{_exchanged(cases, facts)}')
        return None


def _exchanged(cases, facts):
    """A hint where the label looks like an image and the image like a label."""
    images, label = cases.files[facts.case]
    try:
        values, others = (np.unique(load_image(file)[0]) for file in (images[0], label))
        cases.values.to_classes(values.astype(np.int64), '')
    except (UserError, TypeError):
        return ''
    if len(others) <= len(values) or not np.array_equal(values, values.astype(np.int64)):
        return ''
    return f'; image and label seem to be exchanged: the image holds {len(values)} different values, all of them classes'
