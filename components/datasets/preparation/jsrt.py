"""Chest radiographs of JSRT [Shiraishi 2000] with the lungs of SCR [Ginneken 2006].

JSRT's files, ``JPCLN001.IMG`` to ``JPCLN154.IMG`` and ``JPCNN001.IMG`` to ``JPCNN093.IMG``, are 2048×2048 numbers of two bytes, the
high one first, without header, 12 bits, in which air is bright. SCR's masks are ``fold1/masks/left lung/JPCLN001.gif`` and so on,
in ``fold2`` for even numbers, 1024×1024, 0 and 255: as the public programs read them that
segment its lungs.
"""
from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from scarceseg.registry import UserError

from ..formats.pictures import write_picture
from ..formats.reading import named_damage
from . import published
from .plan import UNPACKED, Plan, check_folder

SIDE, GREYS = 2048, 4096
NAME = re.compile(r'JPC[LN]N\d{3}')
LUNGS = ('left lung', 'right lung')


def jsrt_plan(source, *, masks, size=256):
    """The ``Plan`` of JSRT: ``images`` as 8-bit PNG in which air is dark, ``labels`` (0 and 1) and the published split.

    Args:
        source: folder of the .IMG files.
        masks: folder of SCR's masks.
        size: pixels of a side, of which each is the mean of a square of the source's.

    Raises:
        UserError: there are no such files, or a size that the source's is no multiple of.
    """
    check_folder(source)
    check_folder(masks)
    if size < 1 or SIDE // 2 % size:
        raise UserError(f'--size {size} must divide {SIDE // 2}, the size of the masks, such as 256 or 512')
    images = {p.stem.upper(): p for p in sorted(Path(source).rglob('*'))
              if p.suffix.lower() == '.img' and NAME.fullmatch(p.stem.upper())}
    if not images:
        raise UserError(f'{source} has no files such as JPCLN001.IMG; {UNPACKED}')
    drawn = {lung: {p.stem.upper(): p for p in sorted(Path(masks).rglob(f'{lung}/*.gif'))} for lung in LUNGS}
    cases = {}
    for name, image in images.items():
        missing = [lung for lung in LUNGS if name not in drawn[lung]]
        if missing:
            raise UserError(f'case {name!r} has no mask {missing[0]}/{name}.gif below {masks}; {UNPACKED}')
        cases[name] = {f'images/{name}.png': partial(convert_radiograph, source=image, size=size),
                       f'labels/{name}.png': partial(join_masks, sources=[drawn[lung][name] for lung in LUNGS], size=size)}
    record = dict(kind='jsrt', source=str(Path(source).resolve()), masks=str(Path(masks).resolve()), size=size)
    return Plan('JSRT', record, cases, _lists(list(cases)), {'split': 'published with the examples of PyMIC'},
                published.note_on_split(len(cases), published.JSRT_CASES, 'radiographs'))


def convert_radiograph(target, *, source, size):
    """A file of JSRT as PNG of ``size`` × ``size`` pixels, 0 to 255, in which air is dark."""
    stored = Path(source).stat().st_size
    if stored != 2 * SIDE * SIDE:
        raise UserError(f'{source} has {stored} bytes, but a radiograph of JSRT has {2 * SIDE * SIDE}; copy it again')
    raw = np.fromfile(source, '>u2').reshape(SIDE, SIDE)
    grey = 1 - squares(raw, size) / (GREYS - 1)
    write_picture(target, np.rint(255 * grey).clip(0, 255).astype(np.uint8), None)


def join_masks(target, *, sources, size):
    """Masks of SCR as one label of ``size`` × ``size`` pixels: 1 where half of a pixel or more is in one of them."""
    from PIL import Image
    inside = 0
    for source in sources:
        with named_damage(source, 'a picture'), Image.open(source, formats=('GIF',)) as picture:
            mask = np.asarray(picture.convert('L')) > 127
        if mask.shape[0] % size or mask.shape[1] % size or mask.shape[0] != mask.shape[1]:
            raise UserError(f'{source} has {mask.shape[1]}×{mask.shape[0]} pixels, which are no multiple of {size}; expected '
                            '1024×1024')
        inside = inside | mask
    write_picture(target, (squares(inside, size) >= 0.5).astype(np.uint8), None)


def squares(array, size):
    """(size, size): means of equal squares of a square array."""
    side = len(array) // size
    return array.reshape(size, side, size, side).mean((1, 3), dtype=np.float64)


def _lists(names):
    parts = published.parts_of(names, valid=published.jsrt_names(published.JSRT_VALID),
                               test=published.jsrt_names(published.JSRT_TEST))
    clean = published.jsrt_names(published.JSRT_CLEAN)
    parts['clean_5pct'] = [n for n in parts['train'] if n in clean]
    parts['noisy_95pct'] = [n for n in parts['train'] if n not in clean]
    return {f'{part}.txt': own for part, own in parts.items() if own}
