"""What can be seen before anything is read: files that are not there, headers that do not fit, cases on two sides."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scarceseg.registry import UserError

from ..formats.geometry import Geometry
from ..formats.images import ending, format_of
from ..formats.nifti_header import open_file, read_header
from ..formats.pictures import ENDINGS as PICTURES
from ..formats.reading import existing_file, named_damage
from .across import shared_names
from .grids import grid_problem
from .kinds import ERROR, Problem, by_weight
from .sources import build_source, sources_of_config

VOLUMES = ('.nii', '.nii.gz')


def quick_check(config):
    """Problems of a config's data that show without reading voxels, errors first; a list of ``Problem``.

    Every file must be there, split lists be those that were written, headers be readable and those of label and image (and of
    channels) fit each other, and no case be in training and in validation or test under the same name.

    Args:
        config: with ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.
    """
    sources = sources_of_config(config)
    built = [build_source(source) for source in sources]
    problems = [p for _, found in built for p in found]
    names = [(source, list(cases.names)) for source, (cases, _) in zip(sources, built) if cases is not None]
    jobs = {}
    for source, (cases, _) in zip(sources, built):
        for name, (images, label) in (getattr(cases, 'files', None) or {}).items():
            jobs.setdefault((name, images, label), source.name)  # a case in two parts is looked at once
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda job: _check_headers(*job[0], job[1]), jobs.items())
        problems += [p for several in found for p in several]
    return by_weight(problems + shared_names(names))


def check_before_training(config):
    """The warnings of ``quick_check``, as sentences.

    Raises:
        UserError: the first of its errors.
    """
    problems = quick_check(config)
    errors = [p.text for p in problems if p.level == ERROR]
    if errors:
        more = f' (and {len(errors) - 1} more, which tools/check_data.py lists)' if len(errors) > 1 else ''
        raise UserError(errors[0] + more)
    return [p.text for p in problems]


def read_geometry(path, *, label=False):
    """The ``Geometry`` of a file as its header says it, without reading voxels; None of a kind that must be read as a whole.

    Raises:
        UserError: there is no such file, or what is wrong with its header.
    """
    if ending(path) in VOLUMES:
        path = existing_file(path)
        with named_damage(path, 'NIfTI'), open_file(path) as handle:
            return read_header(path, handle, label=label).geometry
    if ending(path) in PICTURES:
        from PIL import Image
        with named_damage(existing_file(path), 'a picture'), Image.open(path) as picture:
            return Geometry(None, None, None, picture.size)
    opener = format_of(path).open
    volume = opener and opener(path, label=label)
    return volume and volume.geometry


def _check_headers(name, images, label, part):
    """Problems of one case."""
    problems, first = [], None
    for file, drawn in [*((f, False) for f in images), (label, True)]:
        if file is None:
            continue
        try:
            geometry = read_geometry(Path(file), label=drawn)
        except UserError as error:
            problems.append(Problem('unreadable', part, name, str(error)))
            continue
        first = first or geometry
        other = geometry and grid_problem(geometry, first, f'case {name}: {"the label " if drawn else ""}{file} and its image')
        if other and other[0] == 'grid':
            problems.append(Problem(other[0], part, name, other[1]))
    return problems
