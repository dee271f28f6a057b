"""Tasks of the Medical Segmentation Decathlon [Antonelli 2022]: ``MSDDataset`` reads them as they are; they lack a split."""
from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath

from scarceseg.registry import UserError

from ..layouts.dataset_json import NAME, read_description
from ..layouts.described import MSDDataset
from .plan import Plan
from .shares import seeded_lists
from .steps import copy_file


def decathlon_plan(source, *, seed=0, link=False):
    """The ``Plan`` of a task: its files as they are, under its name, and a split of the training cases by a seed.

    Args:
        source: folder of the task, such as ``Task02_Heart``.
        seed: of the split.
        link: link to files instead of copying them.

    Raises:
        UserError: the folder is no task, or a file that it lists is missing.
    """
    source = Path(source).resolve()
    training, test = MSDDataset(source), read_description(source).content.get('test')
    files = {name: [*images, label] for name, (images, label) in training.files.items()}
    if test:
        files.update({f'{name} (test)': list(images) for name, (images, _) in MSDDataset(source, subset='test').files.items()})
    cases = {name: {_inside(file, source): partial(copy_file, source=file, link=link) for file in own}
             for name, own in files.items()}
    cases[training.names[0]][NAME] = partial(copy_file, source=source / NAME)
    lists, facts = seeded_lists(sorted(training.names), seed)
    return Plan(source.name, dict(kind='msd', source=str(source), seed=seed, link=link), cases, lists, facts)


def _inside(file, source):
    """A file's path relative to the task's folder; a UserError where it is elsewhere."""
    path = PurePosixPath(file.relative_to(source).as_posix()) if file.is_relative_to(source) else None
    if path is None or '..' in path.parts:
        raise UserError(f'{source / NAME} lists {file}, which is outside of its folder; put it inside')
    return str(path)
