"""What holds for every transform on the shelf."""
import inspect
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components import transforms as t
from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.components.transforms.fields import FIELDS
from scarceseg.registry import TRANSFORMS

ALWAYS = dict(probability=1.0)
LPS = SimpleNamespace(affine=np.diag([-1.5, -1.5, 3.0, 1.0]))


def table(dims):
    """{name: settings} of every transform, for samples with so many axes of space, and about (4, 18, 22) voxels."""
    last = (np.eye(3) + [[0, 0, 0], [0, -0.1, 0.3], [0, -0.25, 0.1]])[-dims:, -dims:]
    size = (None, 12, 26)[-dims:]
    return dict(
        affine=dict(matrix=last, centre=(1.5, 8, 10)[-dims:], size=(4, 12, 14)[-dims:]),
        centre_crop=dict(size=size), clip=dict(low=1), clip_percentiles=dict(low=5, high=90),
        convert_labels=dict(values=(0, (1, 2), 3)), crop=dict(start=(0, 2, 3)[-dims:], size=(3, 9, 12)[-dims:]),
        crop_foreground=dict(threshold=3.5, margin=1), ct_window=dict(level_hu=0.2, width_hu=2), equalise_histogram={},
        flip=dict(axes=(-1,)), implied_background={}, normalise={}, normalise_min_max={}, normalise_percentiles={},
        one_hot=dict(num_classes=4), one_of=dict(transforms=[partial(t.flip, axes=(-2,)), partial(t.random_crop, size=size)]),
        pad=dict(size=size), random_affine=dict(size=size, displacement_mm=1.0, control_mm=6.0, shear=0.1),
        random_bezier=ALWAYS, random_bias_field=ALWAYS, random_blur=ALWAYS, random_brightness_contrast=ALWAYS,
        random_crop=dict(size=size, foreground=0.5), random_cutout=ALWAYS, random_elastic=dict(control_mm=20, **ALWAYS),
        random_flip={}, random_gamma=ALWAYS, random_low_resolution=ALWAYS, random_noise=ALWAYS,
        random_resized_crop=dict(size=size), random_rot90={}, random_transpose={}, reorient={},
        resample=dict(spacing_mm=(2.0, 1.5, 0.7)[-dims:], order=1), resize=dict(size=(6, 13, 30)[-dims:]), rot90=dict(turns=3),
        rotate=dict(angle_deg=20), scale=dict(factor=1.3), shear=dict(share=0.2),
        sometimes=dict(transforms=[partial(t.flip, axes=(-2,)), partial(t.random_noise, std=0.5)]),
        transpose=dict(axes=(0, 2, 1)[:dims] if dims == 3 else (1, 0)),
        views=dict(weak=[partial(t.random_crop, size=size)], strong=[partial(t.random_gamma, **ALWAYS)], count=2))


NAMES = sorted(table(2))
RANDOM = [n for n in NAMES if n in ('one_of', 'sometimes', 'views') or n.startswith('random_')]
SPATIAL = ['affine', 'centre_crop', 'crop', 'crop_foreground', 'flip', 'one_of', 'pad', 'random_affine', 'random_crop',
           'random_elastic', 'random_flip', 'random_resized_crop', 'random_rot90', 'random_transpose', 'reorient', 'resample',
           'resize', 'rot90', 'rotate', 'scale', 'shear', 'transpose']
LABELS_CHANGE = ['convert_labels', 'implied_background', 'one_hot']
SPACES = [(18, 22), (4, 18, 22)]
every = pytest.mark.parametrize('name', NAMES)
both = pytest.mark.parametrize('space', SPACES, ids=['2d', '3d'])


def make_sample(space, seed=0, annotated=0.5):
    """Noise about 1 on two channels, blobs of the classes 1 to 3, of which a share is annotated, and all that may lie on a grid."""
    rng = np.random.default_rng(seed)
    place = np.indices(space)[-2:]
    label = np.select([place[1] < 4, place.sum(0) < 15, place[0] > 12], [1, 2, 3], 0).astype(np.uint8)
    image = (label + rng.normal(1, 0.3, (2, *space))).astype(np.float32)
    label[rng.random(space) >= annotated] = IGNORE
    if annotated < 1:
        label[..., :4, :] = IGNORE
    return dict(name='x', image=image, label=label, spacing_mm=(3.0, 1.0, 1.25)[-len(space):], geometry=LPS)


def run(name, sample, seed=0, **changes):
    return getattr(t, name)(sample, np.random.default_rng(seed), **{**table(sample['image'].ndim - 1)[name], **changes})


def arrays(sample):
    return {k: v for k, v in sample.items() if isinstance(v, np.ndarray)}


def test_every_transform_on_the_shelf_is_in_the_table():
    TRANSFORMS.import_from_location()
    ours = {name for name, f in TRANSFORMS.module_dict.items() if f.__module__.startswith('scarceseg.components.transforms')}
    assert ours == set(NAMES) and ours <= set(t.__all__)
    drawing = {n for n in ours if inspect.signature(getattr(t, n)).parameters['rng'].default is inspect.Parameter.empty}
    assert drawing == set(RANDOM)


@every
@both
def test_a_transform_is_a_function_of_its_generator_and_changes_nothing_in_place(name, space):
    sample = make_sample(space)
    before = {k: v.copy() for k, v in arrays(sample).items()}
    for v in arrays(sample).values():
        v.flags.writeable = False
    one, two = run(name, sample, 7), run(name, sample, 7)
    assert one.keys() == two.keys()
    for key, array in arrays(one).items():
        assert np.array_equal(array, two[key]), key
    assert all(np.array_equal(sample[k], v) for k, v in before.items())
    assert one['image'].dtype == np.float32 and one['label'].dtype == np.uint8 and np.isfinite(one['image']).all()
    assert one['image'].shape[1:] == one['label'].shape and len(one['image']) == 2


@pytest.mark.parametrize('name', RANDOM)
def test_a_random_transform_gives_another_result_for_another_generator(name):
    results = [run(name, make_sample((18, 22)), k) for k in range(8)]
    keys = [k for k in ('image', 'image_strong1') if k in results[0]]
    assert any(r[k].shape != results[0][k].shape or not np.array_equal(r[k], results[0][k]) for r in results for k in keys)


@every
@both
def test_it_does_something(name, space):
    sample = make_sample(space)
    changed = [k for k in range(8) for key, v in arrays(run(name, sample, k)).items()
               if key not in sample or v.shape != sample[key].shape or not np.array_equal(v, sample[key])]
    assert changed or (name == 'reorient' and len(space) == 2)


@pytest.mark.parametrize('name', [*SPATIAL, 'sometimes', 'views'])
@both
def test_labels_keep_to_their_values_and_invent_no_annotation(name, space):
    """One scribble of class 2: no other class appears, and what is annotated was within a voxel of it, which the weight tells."""
    sample = make_sample(space)
    sample['label'][:] = IGNORE
    sample['label'][..., 8:10, 8:14] = 2
    sample['weight'] = (9 - ndimage.distance_transform_edt(sample['label'] == IGNORE)).clip(0).astype(np.float32)
    seen = 0
    for k in range(6):
        out = run(name, sample, k)
        assert set(np.unique(out['label'])) <= {2, IGNORE}
        assert (out['weight'][out['label'] == 2] >= 8).all()
        seen += (out['label'] == 2).sum()
    assert seen > 6


@pytest.mark.parametrize('name', [n for n in NAMES if n not in (*SPATIAL, *LABELS_CHANGE, 'sometimes', 'views')])
def test_what_is_not_spatial_leaves_label_and_history_alone(name):
    sample = make_sample((18, 22))
    out = run(name, sample)
    assert out['label'] is sample['label'] and 'history' not in out


@pytest.mark.parametrize('name', SPATIAL)
@both
def test_all_that_lies_on_the_grid_moves_with_the_image(name, space):
    sample = make_sample(space, annotated=1.0)
    sample.update(image_strong1=sample['image'].copy(), weight=sample['image'][0].copy(), error_map=sample['label'] == 2)
    sample = t.one_hot(sample, num_classes=4)
    sample['class_locations'] = {1: np.flatnonzero(sample['label'] == 1)}
    assert {key for key, _ in t.fields(sample)} == {*FIELDS, 'image_strong1'}
    for k in range(3):
        out = run(name, sample, k)
        assert np.array_equal(out['image_strong1'], out['image'])
        assert np.array_equal(out['error_map'], out['label'] == 2) and out['error_map'].dtype == bool
        assert np.array_equal(out['soft_label'], t.one_hot(dict(label=out['label']), num_classes=4)['soft_label'])
        inside = out['label'] != IGNORE
        assert np.allclose(out['weight'][inside], out['image'][0][inside], atol=1e-5) and not out['weight'][~inside].any()
        assert all(np.array_equal(out['image'][c][~inside], np.full((~inside).sum(), sample['image'][c].min())) for c in (0, 1))
        assert ('class_locations' in out) == ('history' not in out), 'places on the old grid are not kept'
        assert out['weight'].dtype == out['soft_label'].dtype == np.float32


@pytest.mark.parametrize('name', SPATIAL)
@both
def test_the_history_leads_back_to_the_grid(name, space):
    sample = make_sample(space, annotated=1.0)
    for k in range(3):
        out = run(name, sample, k)
        prob = np.stack([out['image'][0], out['image'][0] * 2, out['image'][1]])
        back = t.undo(prob, out.get('history'))
        assert back.shape == (3, *space) and back.dtype == np.float32 and np.allclose(back[1], 2 * back[0], atol=1e-5)
        assert all(np.array_equal(a, b) for a, b in zip(t.undo_each(prob, out.get('history')), back))
        label = t.undo(out['label'], out.get('history'), fill=IGNORE)
        assert label.shape == space and label.dtype == np.uint8
        seen = label != IGNORE
        assert seen.mean() > 0.15 and np.mean(label[seen] == sample['label'][seen]) > 0.85


@pytest.mark.parametrize('name', SPATIAL)
@both
def test_a_linear_ramp_comes_back_as_it_was(name, space):
    """No shift, not even by a part of a voxel: interpolating linearly, a ramp loses nothing where all its neighbours were seen."""
    sample = make_sample(space, annotated=1.0)
    sample['image'] = np.stack([np.ones(space), np.indices(space)[-1], np.indices(space)[-2]]).astype(np.float32)
    sample['spacing_mm'] = sample['spacing_mm'][:-2] + (0.9, 1.1)  # finer where it is resampled
    sample['weight'] = np.ones(space, np.float32)
    for k in range(3):
        changes = dict(share=(0.3, 0.4), size=tuple(2 * n for n in space)) if name == 'random_resized_crop' else {}
        changes = dict(size=tuple(2 * n for n in space)) if name == 'resize' else changes
        changes = dict(spacing_mm=(2.0, 0.6, 0.7)[-len(space):]) if name == 'resample' else changes
        changes = dict(threshold=-1.0) if name == 'crop_foreground' else changes
        out = run(name, sample, k, **changes)
        whole = t.undo(out['weight'], out.get('history'))
        back = t.undo(out['image'], out.get('history'))
        margin = 2 if 'affine' in dict(out.get('history', ())) or 'resize' in dict(out.get('history', ())) else 0
        inner = np.zeros(space, bool)
        inner[(..., slice(margin, space[-2] - margin), slice(margin, space[-1] - margin))] = True
        use = inner & (np.abs(whole - 1) < 1e-4)
        if margin:  # voxels whose neighbours in the view were all inside
            use = use & ~_beside(~use)
        assert use.any() or name == 'random_resized_crop'
        tolerance = (0.02 if name in ('random_affine', 'random_elastic') else 2e-4) if margin else 0
        assert np.abs(back[1:][:, use] - sample['image'][1:][:, use]).max(initial=0) <= tolerance * max(space)


def _beside(mask):
    out = mask.copy()
    for axis in (-1, -2):
        for step in (-1, 1):
            out |= np.roll(mask, step, axis)
    return out


SAME_DRAWS = [n for n in NAMES if n not in ('affine', 'random_affine', 'random_elastic', 'random_cutout', 'random_bias_field',
                                           'random_resized_crop', 'reorient', 'transpose', 'crop')]


@pytest.mark.parametrize('name', SAME_DRAWS)
def test_a_volume_of_one_slice_is_changed_like_the_slice(name):
    flat = make_sample((18, 22))
    volume = {k: v[:, None] if k == 'image' else v[None] for k, v in arrays(flat).items()}
    volume.update(name='x', spacing_mm=(3.0, *flat['spacing_mm']))
    for k in range(3):
        one = run(name, flat, k)
        two = getattr(t, name)(volume, np.random.default_rng(k), **table(2)[name])
        assert np.array_equal(one['label'], two['label'][0]) and np.allclose(one['image'], two['image'][:, 0], atol=1e-5)


CORNERS = {'constant image': dict(image=np.full((2, 18, 22), 3, np.float32)), 'one voxel high': dict(space=(1, 22)),
           'one voxel wide': dict(space=(18, 1)), 'one slice': dict(space=(1, 18, 22)), 'one voxel': dict(space=(1, 1)),
           'empty label': dict(label=0), 'nothing annotated': dict(label=IGNORE), 'implied alone': dict(label=IMPLIED)}


@pytest.mark.parametrize('corner', CORNERS)
@every
def test_corners_give_finite_images_and_labels_of_known_values(name, corner):
    given = dict(CORNERS[corner])
    sample = make_sample(given.pop('space', (18, 22)))
    if 'label' in given:
        sample['label'][:] = given.pop('label')
    sample.update(given)
    dims = sample['image'].ndim - 1
    space = sample['image'].shape[1:]
    changes = dict(start=(0,) * dims, size=space) if name == 'crop' else {}
    before = sample['label'].copy()
    for k in range(4):
        out = run(name, sample, k, **changes)
        assert np.isfinite(out['image']).all() and out['image'].dtype == np.float32 and out['image'].size
        assert out['image'].shape[1:] == out['label'].shape
        new = set(np.unique(out['label'])) - set(np.unique(before)) - {IGNORE}
        assert not new or name in LABELS_CHANGE
        if corner == 'constant image' and name not in ('random_noise', 'sometimes', 'random_bias_field'):
            assert np.ptp(out['image']) < 1e-5
        if corner.startswith('one') and name in ('random_elastic', 'rotate', 'random_affine') and 'voxel' not in corner:
            assert (out['label'] != IGNORE).any(), 'a single slice stays in view'


STILL = dict(rotate_deg=0, scale=(1, 1), flip_axes=(), displacement_mm=0, shear=0)
IDENTITIES = dict(
    affine=lambda s: dict(matrix=np.eye(len(s)), centre=[(n - 1) / 2 for n in s], size=s), centre_crop=lambda s: dict(size=s),
    clip=lambda s: dict(low=-9, high=9), clip_percentiles=lambda s: dict(low=0, high=100),
    convert_labels=lambda s: dict(values=(0, 1, 2, 3)), crop=lambda s: dict(start=(0,) * len(s), size=s),
    crop_foreground=lambda s: dict(threshold=-9), flip=lambda s: dict(axes=()), pad=lambda s: dict(size=(1, 1)),
    normalise=lambda s: dict(mean=0, std=1), random_affine=lambda s: dict(STILL, size=s),
    random_bezier=lambda s: dict(ALWAYS, strength=0.0), random_bias_field=lambda s: dict(ALWAYS, strength=0.0),
    random_blur=lambda s: dict(ALWAYS, sigma_mm=(0, 0)),
    random_brightness_contrast=lambda s: dict(ALWAYS, brightness=0, contrast=0),
    random_crop=lambda s: dict(size=s), random_cutout=lambda s: dict(ALWAYS, share=(0, 0)),
    random_elastic=lambda s: dict(ALWAYS, displacement_mm=0), random_flip=lambda s: dict(probability=0),
    random_gamma=lambda s: dict(ALWAYS, low=1, high=1), random_low_resolution=lambda s: dict(ALWAYS, factor=(1, 1)),
    random_noise=lambda s: dict(ALWAYS, std=0), random_resized_crop=lambda s: dict(size=s, share=(1, 1), stretch=1),
    random_transpose=lambda s: dict(probability=0), resample=lambda s: dict(spacing_mm=(None,)), resize=lambda s: dict(size=s),
    reorient=lambda s: dict(axcodes='LPS'), rot90=lambda s: dict(turns=4), rotate=lambda s: dict(angle_deg=0),
    scale=lambda s: dict(factor=1), shear=lambda s: dict(share=0), sometimes=lambda s: dict(probability=0),
    transpose=lambda s: dict(axes=range(len(s))))
NO_IDENTITY = ['ct_window', 'equalise_histogram', 'implied_background', 'normalise_min_max', 'normalise_percentiles', 'one_hot',
               'one_of', 'random_rot90', 'views']


@every
@both
def test_zero_strength_is_the_identity(name, space):
    assert (name in IDENTITIES) != (name in NO_IDENTITY)
    if name in IDENTITIES:
        sample = make_sample(space)
        for k in range(3):
            out = run(name, sample, k, **IDENTITIES[name](space))
            assert np.allclose(out['image'], sample['image'], atol=2e-5) and np.array_equal(out['label'], sample['label'])


@pytest.mark.parametrize('name', [n for n in NAMES if 'probability' in inspect.signature(getattr(t, n)).parameters])
def test_with_probability_zero_nothing_happens(name):
    sample = make_sample((18, 22))
    for k in range(3):
        out = run(name, sample, k, probability=0)
        assert np.array_equal(out['image'], sample['image']) and np.array_equal(out['label'], sample['label'])


@pytest.mark.parametrize('name', [n for n in NAMES if 'probability' in inspect.signature(getattr(t, n)).parameters])
def test_a_probability_is_how_often_it_happens(name):
    sample = make_sample((18, 22))
    changes = dict(axes=(-1,)) if name == 'random_flip' else {}
    changed = [not np.array_equal(run(name, sample, k, probability=0.3, **changes)['image'], sample['image']) for k in range(300)]
    assert 0.2 < np.mean(changed) < 0.4


@pytest.mark.parametrize('name', SPATIAL)
def test_what_is_moved_can_become_a_tensor(name):
    """No negative strides, which torch does not take."""
    torch = pytest.importorskip('torch')
    for k in range(4):
        torch.from_numpy(run(name, make_sample((4, 18, 22)), k)['image'])
