"""What can be seen before anything is read: files that are not there, headers that do not fit, cases on two sides."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scarceseg.registry import UserError

from ..formats.geometry import Geometry
from ..formats.images import ending, format_of
from ..formats.nifti_header import open_file, read_header
from ..formats.pictures import COLOUR
from ..formats.pictures import ENDINGS as PICTURES
from ..formats.reading import existing_file, named_damage
from .across import shared_cases, shared_patients, unlike_cases
from .facts import Facts
from .grids import grid_problem
from .kinds import ERROR, by_weight
from .sources import build_source, has_files, sources_of_config

VOLUMES = ('.nii', '.nii.gz')


def quick_check(config):
    """Problems of a config's data that show without reading voxels, errors first; a list of ``Problem``.

    Every file must be there, split lists be those that were written, headers be readable, those of label and image (and of
    channels) fit each other, those of all images be alike, and no case be in training and in validation or test, nor a
    patient, where split lists say who that is.

    Args:
        config: with ``train_dataloader``, ``val_dataloader`` or ``test_dataloader``.
    """
    sources = sources_of_config(config)
    built = [build_source(source) for source in sources]
    problems = [p for _, found in built for p in found]
    data = [(source, cases) for source, (cases, _) in zip(sources, built) if cases is not None]
    jobs = {}
    for source, cases in data:
        for name, (images, label) in cases.files.items() if has_files(cases) else ():
            jobs.setdefault((name, images, label), source.name)  # a case in two parts is looked at once
    with ThreadPoolExecutor(8) as pool:
        facts = list(pool.map(lambda job: _look_at_headers(*job[0], job[1]), jobs.items()))
    problems += [p for fact in facts for p in fact.problems]
    return by_weight(problems + shared_cases(data) + shared_patients(data) + unlike_cases(facts))


def check_before_training(config):
    """The warnings of ``quick_check``, as sentences, one of each kind; what is wrong with cases for test alone is one too.

    Raises:
        UserError: the first of its errors.
    """
    kinds = {}
    for problem in quick_check(config):
        needed = any(not part.startswith('test') for part in problem.part.split('+'))
        kinds.setdefault((problem.level == ERROR and needed, problem.kind), []).append(problem.text)
    errors = [text for (wrong, _), texts in kinds.items() if wrong for text in texts]
    if errors:
        raise UserError(_first(errors))
    return [_first(texts) for texts in kinds.values()]


def _first(texts):
    """The first of several sentences, and how many more there are."""
    return f'{texts[0]}{f" (and {len(texts) - 1} more, which tools/check_data.py lists)" if len(texts) > 1 else ""}'


def read_outline(path, *, label=False):
    """(``Geometry``, channels) of a file as its header says them, without reading voxels; None of a kind that is read as a whole.

    Raises:
        UserError: there is no such file, or what is wrong with its header.
    """
    if ending(path) in VOLUMES:
        path = existing_file(path)
        with named_damage(path, 'NIfTI'), open_file(path) as handle:
            stored = read_header(path, handle, label=label)
    elif ending(path) in PICTURES:
        from PIL import Image
        with named_damage(existing_file(path), 'a picture'), Image.open(path) as picture:
            return Geometry(None, None, None, picture.size), 3 if picture.mode in COLOUR else 1
    else:
        opener = format_of(path).open
        stored = opener and opener(path, label=label)
        if stored is None:
            return None
    return stored.geometry, stored.shape[0] if len(stored.shape) > len(stored.geometry.space) else 1


def _look_at_headers(name, images, label, part):
    """``Facts`` of one case as far as headers know them."""
    facts, first = Facts(part, name), None
    for file, drawn in [*((f, False) for f in images), (label, True)]:
        try:
            outline = file and read_outline(Path(file), label=drawn)
        except UserError as error:
            facts.say('unreadable', str(error))
            continue
        if outline is None:
            continue
        geometry, channels = outline
        first = first or geometry
        problem = grid_problem(geometry, first, f'case {name}: {"the label " if drawn else ""}{file} and its image')
        if problem:
            facts.say(*problem)
        if not drawn:
            facts.space, facts.spacing_mm, facts.orientation = geometry.space, geometry.spacing_mm, geometry.orientation
            facts.channels += channels
    if None in images:  # channels that are missing are channels too
        facts.channels = len(images)
    return facts
