import inspect
import pickle
from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.datasets.phantoms.phantom import phantom_case
from scarceseg.components.datasets.simulators import (
    boundary_scribble,
    boxes_from_label,
    case_rng,
    deal_kinds,
    dilate_label,
    distort_edges,
    erode_label,
    markov_walk,
    missing_classes,
    noisy_label,
    partial_slices,
    points_from_label,
    scribble_from_label,
)
from scarceseg.components.labels import IGNORE
from scarceseg.registry import TRANSFORMS, UserError

SPARSE = {'scribbles': lambda label, rng: scribble_from_label(label, rng, num_classes=4),
          'boundary': lambda label, rng: boundary_scribble(label, rng, num_classes=4),
          'points': points_from_label, 'missing': missing_classes}
NOISE = {'markov': partial(markov_walk, steps=60),
         **{f.__name__: partial(f, radius=(1, 4)) for f in (dilate_label, erode_label, distort_edges, noisy_label)}}
NAMES = ['scribbles', 'boundary_scribbles', 'points', 'boxes', 'partial_slices', 'missing_classes', 'noise', 'dilation', 'erosion',
         'edge_distortion', 'markov_noise']


def generator(seed=0):
    return np.random.default_rng(seed)


def disc(size=61, radius=20):
    y, x = np.indices((size, size)) - size // 2
    return (np.hypot(y, x) <= radius).astype(np.uint8)


@pytest.fixture(scope='module')
def heart():
    label = phantom_case(3, shape=(5, 80, 80))['label']
    label[1, :6] = IGNORE
    return label


@pytest.mark.parametrize('name', [*SPARSE, *NOISE])
@pytest.mark.parametrize('dims', [2, 3])
def test_a_simulation_is_a_pure_function_of_label_and_generator(name, dims, heart):
    simulate, label = {**SPARSE, **NOISE}[name], heart if dims == 3 else heart[2]
    before = label.copy()
    one, two = simulate(label, generator(5)), simulate(label, generator(5))
    assert one.dtype == np.uint8 and one.shape == label.shape and np.array_equal(one, two)
    assert np.array_equal(label, before)
    assert any(not np.array_equal(simulate(label, generator(s)), one) for s in range(6, 10))


@pytest.mark.parametrize('name', [*SPARSE, *NOISE, 'boxes'])
def test_no_class_is_invented_and_what_was_not_annotated_stays_so(name, heart):
    simulate = {**SPARSE, **NOISE, 'boxes': boxes_from_label}[name]
    nothing = (np.full((3, 9, 9), IGNORE, np.uint8), np.zeros((7, 9), np.uint8))
    for label in (heart, heart[1], np.where(heart == 2, 0, heart), *nothing):
        made = simulate(label, generator())
        assert set(np.unique(made)) - {IGNORE} <= set(np.unique(label))
        if name != 'boxes':
            assert (made[label == IGNORE] == IGNORE).all()


@pytest.mark.parametrize('name', ['scribbles', 'boundary', 'points', 'missing'])
def test_sparse_annotation_is_never_wrong(name, heart):
    for seed in range(3):
        made = SPARSE[name](heart, generator(seed))
        assert (made == heart)[made != IGNORE].all() and 0 < (made != IGNORE).mean() < 0.2


@pytest.mark.parametrize('name', list(NOISE))
def test_a_noisy_label_annotates_as_much_and_keeps_every_class(name, heart):
    for seed in range(4):
        made = NOISE[name](heart, generator(seed))
        assert np.array_equal(made == IGNORE, heart == IGNORE)
        assert set(np.unique(made)) == set(np.unique(heart)) and not np.array_equal(made, heart)


def test_boundary_scribbles_keep_their_distance():
    label = disc(radius=20)
    depth = np.where(label == 1, ndimage.distance_transform_edt(label), ndimage.distance_transform_edt(1 - label))
    for inset in (0, 1, 4):
        made = boundary_scribble(label, generator(), num_classes=2, length=1.0, inset=(inset, inset))
        drawn = made != IGNORE
        assert (made == label)[drawn].all() and set(np.unique(made)) == {0, 1, IGNORE}
        assert depth[drawn].min() > inset and depth[drawn].max() <= inset + 1


def test_length_and_thickness_of_boundary_scribbles_are_those_asked_for_in_each_class():
    label = disc(radius=20)

    def amounts(**settings):
        made = boundary_scribble(label, generator(1), num_classes=2, inset=(2, 2), **settings)
        return np.array([(made == c).sum() for c in (0, 1)])
    full, part = amounts(length=1.0), amounts(length=(0.25, 0.5))
    assert np.abs(part - full * [0.25, 0.5]).max() <= 1
    wide = amounts(length=1.0, thickness=(1, 3))
    assert wide[0] == full[0] and 2 * full[1] < wide[1] < 4 * full[1]


def test_a_thin_region_gets_a_boundary_scribble_in_its_middle():
    label = np.zeros((9, 9), np.uint8)
    label[4, 2:7] = 1
    made = boundary_scribble(label, generator(), num_classes=2, length=1.0, inset=(3, 3))
    assert (made == 1).sum() == 5


@pytest.mark.parametrize('settings', [dict(length=(1.0, 0.5, 0.25, 1.0)), dict(thickness=(1, 1, 3, 1)), dict(classes=(2, 3))])
def test_interior_scribbles_have_a_length_and_a_thickness_for_each_class(settings, heart):
    plain = scribble_from_label(heart, generator(2), num_classes=4)
    made = scribble_from_label(heart, generator(2), num_classes=4, **settings)
    for c in range(4):
        now, before = (made == c).sum(), (plain == c).sum()
        if 'classes' in settings:
            assert (now > 0) == (c in (2, 3))
        elif c == 2:
            assert (now < 0.6 * before) if 'length' in settings else (now > 1.3 * before)


@pytest.mark.parametrize('count, radius', [(1, 0), (3, 0), (2, 2)])
def test_every_region_gets_so_many_points(count, radius):
    label = np.zeros((40, 60), np.uint8)
    label[5:15, 5:15], label[20:35, 30:50], label[2, 40] = 1, 2, 1
    made = points_from_label(label, generator(), count=count, radius=radius)
    assert (made == label)[made != IGNORE].all() and made[2, 40] == 1
    regions = ((made[5:15, 5:15] == 1).sum(), (made[20:35, 30:50] == 2).sum(), (made == 0).sum())
    assert all(n == count for n in regions) if radius == 0 else all(n > count for n in regions)


def test_points_keep_away_from_edges_and_may_spare_the_background():
    depth = ndimage.distance_transform_edt(disc())
    for seed in range(10):
        made = points_from_label(disc(), generator(seed), middle=0.8, background=False)
        assert set(np.unique(made)) == {1, IGNORE} and depth[made == 1].min() >= 0.8 * depth.max()


def test_boxes_are_tight_and_the_smaller_one_lies_on_top():
    label = np.zeros((9, 12), np.uint8)
    label[1:8, 2] = label[1, 2:9] = 1  # an angle, whose box is large
    label[4:6, 5:7] = 2
    expected = np.zeros_like(label)
    expected[1:8, 2:9] = 1
    expected[4:6, 5:7] = 2
    assert np.array_equal(boxes_from_label(label, generator()), expected)
    core = boxes_from_label(np.where(label == 1, 1, 0), generator(), core=0.4)
    assert (core[1:8, 2:9] != 0).all() and (core == 1).sum() == 9 and (core == IGNORE).sum() == 49 - 9
    assert set(np.unique(boxes_from_label(label, generator(), core=0.0))) == {0, IGNORE}


def test_boxes_of_a_volume_are_drawn_in_slices_or_in_space():
    label = np.zeros((3, 6, 6), np.uint8)
    label[0, 1:3, 1:3] = label[1, 1:5, 1:5] = 1
    planes, space = boxes_from_label(label, generator()), boxes_from_label(label, generator(), slices=False)
    assert planes[0].sum() == 4 and space[0].sum() == 16 and not space[2].any()
    speck = label.copy()
    speck[2, 0, 0] = 1
    assert boxes_from_label(speck, generator(), smallest=2)[2, 0, 0] == IGNORE
    moved = [boxes_from_label(label, generator(s), jitter=1) for s in range(5)]
    assert any(not np.array_equal(m, planes) for m in moved) and all((m[1] == 1).sum() in range(4, 37) for m in moved)


@pytest.mark.parametrize('depth, every', [(10, 3), (4, 10), (5, 1)])
def test_every_nth_slice_is_kept(depth, every):
    label = generator().integers(0, 3, (depth, 6, 6)).astype(np.uint8)
    firsts = set()
    for seed in range(40):
        made = partial_slices(label, generator(seed), every=every)
        kept = np.flatnonzero((made != IGNORE).any((1, 2)))
        assert len(kept) and (np.diff(kept) == every).all() and kept[0] < every and kept[-1] + every >= depth
        assert np.array_equal(made[kept], label[kept])
        firsts.add(int(kept[0]))
    assert firsts == set(range(min(every, depth)))


def test_where_a_class_is_missing_background_is_no_longer_certain():
    label = np.array([[0, 1, 2], [3, IGNORE, 0]], np.uint8)
    assert missing_classes(label, generator(), classes=(2,)).tolist() == [[IGNORE, 1, IGNORE], [3, IGNORE, IGNORE]]
    drawn = {tuple(np.unique(missing_classes(label, generator(s), num_classes=4))) for s in range(30)}
    assert drawn == {(1, 2, IGNORE), (1, 3, IGNORE), (2, 3, IGNORE)}


def test_dilation_and_erosion_are_those_of_a_disc_of_the_radius():
    label = disc(size=81, radius=20)
    y, x = np.indices((25, 25)) - 12
    for radius in (1, 3, 6):
        kernel = np.hypot(y, x) <= radius
        grown = dilate_label(label, generator(), radius=(radius, radius))
        shrunk = erode_label(label, generator(), radius=(radius, radius))
        assert np.array_equal(grown, ndimage.binary_dilation(label, kernel))
        assert np.array_equal(shrunk, ndimage.binary_erosion(label, kernel, border_value=1))


def test_the_radius_is_drawn_from_both_ends_of_its_range_and_all_between():
    label, seen = disc(size=81, radius=15), set()
    for seed in range(60):
        made = dilate_label(label, generator(seed), radius=(6, 12))
        seen.add(round(float(ndimage.distance_transform_edt(label == 0)[made == 1].max())))
    assert seen == set(range(6, 13))


def test_a_radius_may_be_a_share_of_the_structure():
    for radius in (8, 16):
        label = disc(size=81, radius=radius)
        made = erode_label(label, generator(), radius=(0.5, 0.5), relative=True)
        assert ndimage.distance_transform_edt(made).max() == pytest.approx(radius / 2 + 1, abs=1)


def test_slices_far_apart_are_out_of_reach():
    label = np.zeros((5, 41, 41), np.uint8)
    label[2] = disc(size=41, radius=8)
    made = dilate_label(label, generator(), radius=(4, 4), aspect=(10, 1, 1))
    assert not made[1].any() and made[2].sum() > label[2].sum()
    assert dilate_label(label, generator(), radius=(4, 4))[1].any()


@pytest.mark.parametrize('aspect', [(1, 1, 1), (2.5, 1, 1), (3, 1.5, 1)])
def test_in_space_a_radius_is_a_distance_to_the_nearest_voxel_of_the_other_side(aspect):
    label = (generator(1).random((5, 9, 8)) < 0.15).astype(np.uint8)
    places, inside = np.argwhere(label >= 0) * aspect, label.ravel() == 1
    away = np.linalg.norm(places[:, None] - places, axis=-1)
    grown = (away[:, inside].min(1) <= 2).reshape(label.shape)
    assert np.array_equal(dilate_label(label, generator(), radius=(2, 2), aspect=aspect), grown)
    block = 1 - label
    shrunk = (away[:, inside].min(1) > 1).reshape(label.shape)
    assert np.array_equal(erode_label(block, generator(), radius=(1, 1), aspect=aspect), shrunk)


def literal_distortion(label, rng, radius, share):
    """Bumps, then notches, disc by disc and voxel by voxel, of a label with one class."""
    made = label.copy()
    for value, fills in ((1, 0), (0, 1)):
        before = made.copy()
        edge = [p for p in np.argwhere(before == 0) if any(
            0 <= p[d] + s < before.shape[d] and before[tuple(p + s * np.eye(2, dtype=int)[d])] for d in (0, 1) for s in (-1, 1))]
        for k in np.sort(rng.choice(len(edge), round(share * len(edge)), replace=False)):
            reach = rng.integers(*radius, endpoint=True)
            for place in np.ndindex(made.shape):
                if before[place] == fills and sum((place - edge[k]) ** 2) <= reach ** 2:
                    made[place] = value
    return made


def test_edges_are_distorted_as_disc_by_disc():
    label = disc(size=41, radius=11)
    for seed in range(3):
        made = distort_edges(label, generator(seed), radius=(2, 4), share=0.1)
        assert np.array_equal(made, literal_distortion(label, generator(seed), (2, 4), 0.1)) and not np.array_equal(made, label)


def test_noise_moves_the_edge_of_the_foreground_and_no_boundary_within_it():
    label = np.zeros((50, 60), np.uint8)
    label[15:35, 15:30], label[15:35, 30:45] = 1, 2
    for seed in range(5):
        grown, shrunk = (f(label, generator(seed), radius=(2, 4)) for f in (dilate_label, erode_label))
        assert (grown[label > 0] == label[label > 0]).all()
        assert set(np.unique(grown[:, :28])) == {0, 1} and (shrunk[19:31, 19:41] == label[19:31, 19:41]).all()
        kept = distort_edges(label, generator(seed), radius=(2, 3))
        assert (kept[20:30, 20:40] == label[20:30, 20:40]).all() and not np.array_equal(kept, label)


def test_a_class_keeps_its_deepest_voxels_however_large_the_radius():
    label = disc(radius=5)
    for simulate in (erode_label, distort_edges):
        made = simulate(label, generator(), radius=(30, 30))
        assert (made == 1).any()


@pytest.mark.parametrize('share', [0.05, 0.2])
def test_edges_get_bumps_and_notches_of_the_radius_at_a_share_of_their_voxels(share):
    label = disc(size=101, radius=30)
    away = np.where(label == 1, ndimage.distance_transform_edt(label), ndimage.distance_transform_edt(1 - label))
    made = [distort_edges(label, generator(s), radius=(3, 5), share=share) for s in range(8)]
    changed = np.array([m != label for m in made])
    assert away[changed.any(0)].max() <= 5 + 5  # a notch may start at the end of a bump
    assert all((c & (label == 0)).any() and (c & (label == 1)).any() for c in changed)
    assert 0.5 * share < changed.mean() / (label.mean() * 2 / 30 * 4) < 8 * share
    assert np.array_equal(distort_edges(label, generator(), share=0), label)


def literal_walk(label, rng, steps, expand, flip):
    """The process of the paper for one class, voxel by voxel."""
    label = label.copy()
    for _ in range(steps):
        growing = rng.random() < expand
        here = 0 if growing else 1
        padded = np.pad(label, 1, constant_values=here)
        edge = [(y, x) for y, x in np.argwhere(label == here)
                if any(padded[y + 1 + dy, x + 1 + dx] != here for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)))]
        flips = rng.random(len(edge)) < flip
        for (y, x), flipped in zip(edge, flips):
            label[y, x] = 1 - here if flipped else here
        if not growing:
            rng.permutation(4)
    return label


@pytest.mark.parametrize('expand', [1.0, 0.5, 0.0])
def test_the_walk_of_one_class_is_the_papers_process(expand):
    label = disc(size=31, radius=9)
    for seed in range(3):
        made = markov_walk(label, generator(seed), steps=12, expand=expand, flip=0.3, smooth=0)
        assert np.array_equal(made, literal_walk(label, generator(seed), 12, expand, 0.3))


def test_the_walk_leans_as_it_is_told_and_scatters_on_request():
    label = disc()
    sizes = {e: np.mean([markov_walk(label, generator(s), steps=60, expand=e).sum() for s in range(4)]) for e in (0.2, 0.5, 0.8)}
    assert sizes[0.2] < 0.95 * label.sum() < 1.05 * sizes[0.5] and sizes[0.8] > 1.05 * label.sum()
    assert np.array_equal(markov_walk(label, generator(), steps=0, smooth=0), label)
    loose = markov_walk(label, generator(), steps=0, smooth=0, scatter=0.2)
    assert (loose != label).mean() == pytest.approx(0.2, abs=0.03)


def test_a_walk_in_slices_never_leaves_its_slice():
    label = np.zeros((3, 41, 41), np.uint8)
    label[1] = disc(size=41, radius=8)
    made = markov_walk(label, generator(), steps=50, slices=True)
    assert not made[0].any() and not made[2].any() and not np.array_equal(made[1], label[1])
    assert markov_walk(label, generator(), steps=50)[[0, 2]].any()


def test_the_mixture_draws_its_kinds_with_their_shares():
    label = disc(size=81, radius=15)
    larger, smaller = 0, 0
    for seed in range(200):
        made = noisy_label(label, generator(seed), radius=(2, 4))
        larger, smaller = larger + (made >= label).all(), smaller + (made <= label).all()
    rest = 200 - larger - smaller
    assert np.abs(np.array([larger, smaller, rest]) - [70, 70, 60]).max() < 20
    assert np.array_equal(noisy_label(label, generator(), kinds={}), label)
    assert all((noisy_label(label, generator(s), kinds=dict(dilation=1.0)) >= label).all() for s in range(5))


def test_kinds_are_dealt_in_exact_shares_whatever_the_order_of_cases():
    names = [f'case{k}' for k in range(171)]
    dealt = deal_kinds(names, None, seed=3)
    counts = {kind: list(dealt.values()).count(kind) for kind in set(dealt.values())}
    assert counts == {'dilation': 60, 'erosion': 60, 'distortion': 51}
    assert deal_kinds(names[::-1], None, seed=3) == dealt != deal_kinds(names, None, seed=4)
    assert list(deal_kinds(names[:100], dict(erosion=0.25), seed=0).values()).count(None) == 75


@pytest.mark.parametrize('name', NAMES)
def test_as_a_transform_a_case_always_gets_the_same_by_its_seed_and_name(name, heart):
    settings = {'markov_noise': dict(steps=40), 'scribbles': dict(num_classes=4), 'boundary_scribbles': dict(num_classes=4)}
    settings = settings.get(name, {})
    simulate = TRANSFORMS.build(dict(type=f'simulate_{name}', **settings))
    sample = dict(name='a', image=np.zeros((1, *heart.shape), np.float32), label=heart, spacing_mm=(10.0, 1.5, 1.5),
                  class_locations={})
    once = simulate(sample)
    assert np.array_equal(simulate(sample, None)['label'], once['label']) and sample['label'] is heart
    assert 'class_locations' not in once and once['image'] is sample['image']
    others = [simulate(dict(sample, name=other)) for other in 'bcdefg'] + [simulate(sample, generator(k)) for k in range(6)]
    if name != 'boxes':  # they have nothing random unless they are asked to
        assert any(not np.array_equal(other['label'], once['label']) for other in others)
    assert np.array_equal(pickle.loads(pickle.dumps(simulate))(sample)['label'], once['label'])
    assert list(inspect.signature(simulate.func).parameters)[:3] == ['sample', 'rng', 'seed']


def test_transforms_measure_in_voxels_of_the_finest_axis():
    label = np.zeros((5, 41, 41), np.uint8)
    label[2] = disc(size=41, radius=8)
    sample = dict(name='a', image=label[None].astype(np.float32), label=label, spacing_mm=(10.0, 1.0, 1.0))
    grow = TRANSFORMS.build(dict(type='simulate_dilation', radius=(4, 4)))
    assert not grow(sample)['label'][1].any() and grow(dict(sample, spacing_mm=None))['label'][1].any()


def test_the_generator_of_a_case_depends_on_seed_and_name():
    draws = {(s, n): case_rng(s, n).random() for s in (0, 1) for n in ('a', 'b')}
    assert len(set(draws.values())) == 4 and case_rng(1, 'b').random() == draws[1, 'b']


@pytest.mark.parametrize('simulate, label, settings, words', [
    (dilate_label, np.zeros((1, 2, 3, 4)), {}, r'\(1, 2, 3, 4\)'),
    (dilate_label, np.full((4, 4), 254), {}, 'holds 254'),
    (erode_label, np.full((4, 4), 1.5), {}, 'holds 1.5'),
    (erode_label, np.zeros((4, 4)), dict(radius=(12, 6)), 'lower first'),
    (dilate_label, np.zeros((4, 4)), dict(radius=(0.5, 1)), 'whole numbers of voxels; relative=True'),
    (dilate_label, np.zeros((4, 4)), dict(aspect=(1, 1, 1)), 'each of the 2 axes'),
    (distort_edges, np.zeros((4, 4)), dict(share=1.5), 'share=1.5'),
    (markov_walk, np.zeros((4, 4)), dict(flip=-0.1), 'flip=-0.1'),
    (markov_walk, np.zeros((4, 4)), dict(steps=2.5), 'steps=2.5'),
    (noisy_label, np.zeros((4, 4)), dict(kinds=dict(dilatation=1)), "'dilatation'.*did you mean 'dilation'"),
    (noisy_label, np.zeros((4, 4)), dict(kinds=dict(dilation=0.7, erosion=0.7)), 'sum to 1.4'),
    (partial_slices, np.zeros((4, 4)), {}, 'a volume'),
    (partial_slices, np.zeros((4, 4, 4)), dict(every=2, first=3), 'first=3.*below every=2'),
    (missing_classes, np.zeros((4, 4)), dict(classes=(0,)), 'foreground classes'),
    (missing_classes, np.zeros((4, 4)), dict(count=3, num_classes=3), 'count=3 classes'),
    (points_from_label, np.zeros((4, 4)), dict(count=0), 'count=0'),
    (boxes_from_label, np.zeros((4, 4)), dict(core=2), 'core=2'),
    (boundary_scribble, np.full((4, 4), 2), dict(num_classes=2), 'class 2.*num_classes=2'),
    (scribble_from_label, np.full((4, 4), 0.5), dict(num_classes=2), 'class 0.5'),
    (boundary_scribble, np.zeros((4, 4)), dict(num_classes=2, length=(0.5, 0.5, 0.5)), '3 numbers, but there are 2 classes'),
    (scribble_from_label, np.zeros((4, 4)), dict(num_classes=2, thickness=(1, 0)), 'thickness=0')])
def test_what_makes_no_sense_is_refused_in_one_sentence(simulate, label, settings, words):
    with pytest.raises(UserError, match=words) as caught:
        simulate(label, generator(), **settings)
    assert '\n' not in str(caught.value)


def test_a_sample_without_label_cannot_be_simulated():
    with pytest.raises(UserError, match='case a, which has no label'):
        TRANSFORMS.build(dict(type='simulate_points'))(dict(name='a', image=np.zeros((1, 4, 4))))
