"""PROMISE12 [Litjens 2014]: prostates in T2-weighted MR.

The training cases are ``Case00.mhd`` with ``Case00.raw`` and ``Case00_segmentation.mhd`` beside it, in one folder or in
``TrainingData_Part1`` to ``TrainingData_Part3``, as public programs read them; the test cases, of the same names, have no
segmentation and are left out.
"""
from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from scarceseg.registry import UserError

from .plan import UNPACKED, Plan, check_folder
from .shares import seeded_lists
from .steps import convert_image, convert_label

NAME = re.compile(r'Case\d{2}')


def promise12_plan(source, *, seed=0):
    """The ``Plan`` of PROMISE12: ``images``, ``labels`` (0 and 1), and a split by a seed, for there is no published one.

    Args:
        source: folder of the download.
        seed: of the split.

    Raises:
        UserError: there are no such cases, or one is there twice.
    """
    check_folder(source)
    cases, without = {}, 0
    for image in sorted(p for p in Path(source).rglob('Case*.mhd') if NAME.fullmatch(p.stem)):
        label = image.with_name(f'{image.stem}_segmentation.mhd')
        if not label.is_file():
            without += 1
            continue
        if image.stem in cases:
            raise UserError(f'case {image.stem!r} is there twice, the second time as {image}; give a folder that has it once')
        cases[image.stem] = {f'images/{image.stem}.nii.gz': partial(convert_image, source=image),
                             f'labels/{image.stem}.nii.gz': partial(convert_label, source=label, values={0: 0, 1: 1})}
    if not cases:
        raise UserError(f'{source} has no files such as Case00.mhd and Case00_segmentation.mhd; {UNPACKED}')
    lists, facts = seeded_lists(sorted(cases), seed)
    notes = (f'{without} cases without segmentation are left out',) if without else ()
    return Plan('PROMISE12', dict(kind='promise12', source=str(Path(source).resolve()), seed=seed), cases, lists, facts, notes)
