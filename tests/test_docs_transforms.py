"""The page of the transforms says what is there and what it does."""
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from scarceseg.components.functional import mixing
from scarceseg.components.transforms import undo
from scarceseg.registry import TRANSFORMS, UserError

from .components.test_transforms_shelf import make_sample, run, table

TEXT = (Path(__file__).resolve().parent.parent / 'docs' / 'transforms.md').read_text(encoding='utf-8')
ROWS = [[cell.strip() for cell in line.strip('|').split(' | ')] for line in TEXT.splitlines() if line.startswith('| `')]
PAGE = {row[0].strip('`'): row for row in ROWS if len(row) == 4}
WITHIN = ('one_of', 'sometimes', 'views')


def test_the_page_names_every_transform_once_and_no_other():
    TRANSFORMS.import_from_location()
    shelf = {name for name, f in TRANSFORMS.module_dict.items() if f.__module__.startswith('scarceseg.components.transforms')}
    assert set(PAGE) == shelf == set(table(2)) and len(PAGE) + len([r for r in ROWS if len(r) == 2]) == len(ROWS)
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize('name', PAGE)
def test_the_settings_on_the_page_are_its_own(name):
    known = inspect.signature(TRANSFORMS.get(name)).parameters
    named = re.findall(r'`(\w+)`', PAGE[name][2])
    assert named and set(named) <= {k for k, p in known.items() if p.kind is p.KEYWORD_ONLY}
    required = {k for k, p in known.items() if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
    assert required <= set(named), 'what must be given is on the page'


@pytest.mark.parametrize('name', PAGE)
@pytest.mark.parametrize('space', [(18, 22), (4, 18, 22)], ids=['2d', '3d'])
def test_what_the_page_says_of_undoing_is_so(name, space):
    """*exact*: every voxel that comes back is the one that was there; *resampled*: the grid comes back; —: nothing is to undo."""
    sample = make_sample(space, annotated=1.0)
    said, histories = PAGE[name][3], set()
    for k in range(8):
        out = run(name, sample, k)
        histories.update(step for step, _ in out.get('history', ()))
        back = undo(out['image'], out.get('history'), fill=np.nan)
        if said == 'exact':
            assert np.array_equal(back[np.isfinite(back)], sample['image'][np.isfinite(back)])
        assert back.shape == sample['image'].shape or name in WITHIN
    assert (said == '—') == (not histories) or name in WITHIN or (name == 'reorient' and len(space) == 2)
    assert (said == 'resampled') == bool(histories & {'affine', 'resize'}) and said in ('exact', 'resampled', '—', 'as within')
    assert (said == 'as within') == (name in WITHIN)


def test_the_page_names_the_functions_of_mixing():
    ours = {name for name, f in vars(mixing).items() if inspect.isfunction(f) and f.__module__ == mixing.__name__}
    assert ours == {row[0].strip('`') for row in ROWS if len(row) == 2}


def blocks():
    return re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)


def test_the_config_on_the_page_builds_and_gives_the_views_it_promises():
    config = {}
    exec(blocks()[0], config)
    sample = make_sample((4, 40, 44))
    for step in config['prepare']:
        sample = TRANSFORMS.build(step)(sample, None)
    assert sample['spacing_mm'][0] == 3.0 and sample['spacing_mm'][1:] == pytest.approx((1.5, 1.5), rel=0.05)
    flat = dict(image=sample['image'][:, 0], label=sample['label'][0], spacing_mm=sample['spacing_mm'][1:])
    for step in config['transforms']:
        flat = TRANSFORMS.build(step)(flat, np.random.default_rng(0))
    assert {k: v.shape for k, v in flat.items() if k.startswith('image')} == dict.fromkeys(
        ('image', 'image_strong1', 'image_strong2'), (2, 192, 192))
    config['transforms'][0]['strong'][0]['probabilty'] = 1
    with pytest.raises(UserError, match="no setting 'probabilty' .did you mean 'probability'"):
        TRANSFORMS.build(config['transforms'][0])


def test_the_mixing_on_the_page_runs():
    image, label = torch.rand(3, 1, 12, 14), torch.randint(0, 4, (3, 12, 14))
    names = dict(image=image, label=label, confidence=torch.rand(3, 12, 14))
    exec(blocks()[1], names)
    assert names['mixed'].shape == image.shape and names['target'].shape == label.shape and (names['mixed'] != image).any()
