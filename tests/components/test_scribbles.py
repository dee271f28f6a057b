import numpy as np
import pytest
from scipy import ndimage

from scarceseg.components.datasets.phantoms.phantom import phantom_case
from scarceseg.components.datasets.simulators.scribbles import scribble_from_label
from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

ACDC_SHARE = {1: 0.12, 2: 0.18, 3: 0.11}  # mean share of a class' voxels that the scribbles of ACDC annotate, per slice


@pytest.fixture(scope='module')
def labels():
    return [phantom_case(i)['label'] for i in range(15)]


def scribbled(label, seed=0, **settings):
    return scribble_from_label(label, np.random.default_rng(seed), num_classes=4, **settings)


def test_a_scribble_is_a_function_of_the_label_and_the_generator(labels):
    before = labels[0].copy()
    one, two, other = (scribbled(labels[0], seed) for seed in (5, 5, 6))
    assert np.array_equal(one, two) and not np.array_equal(one, other)
    assert np.array_equal(labels[0], before)
    assert one.dtype == np.uint8 and one.shape == before.shape


@pytest.mark.parametrize('settings', [{}, dict(length=1.0), dict(length=0.2), dict(thickness=2), dict(thickness=5)])
def test_strokes_never_leave_their_class_and_every_class_of_a_slice_has_one(labels, settings):
    for seed, label in enumerate(labels[:5]):
        scribble = scribbled(label, seed, **settings)
        drawn = scribble != IGNORE
        assert np.array_equal(scribble[drawn], label[drawn])
        for plane, truth in zip(scribble, label):
            assert set(np.unique(plane)) - {IGNORE} == set(np.unique(truth))


def test_random_nonsense_labels_keep_the_promises_too(rng):
    for size in [(1, 1), (2, 7), (9, 9), (30, 20)]:
        for cell in (1, 3):
            label = np.kron(rng.choice([0, 1, 2, 3, IGNORE], size), np.ones((cell, cell))).astype(np.uint8)
            scribble = scribble_from_label(label, rng, num_classes=4)
            drawn = scribble != IGNORE
            assert np.array_equal(scribble[drawn], label[drawn])
            assert set(np.unique(scribble)) | {IGNORE} == set(np.unique(label)) | {IGNORE}


@pytest.mark.parametrize('rows', ['...\n.1.\n...', '11\n11', '222\n2.2\n222', '1', '.', '3333333'])
def test_the_smallest_regions_get_a_voxel(rows):
    label = np.array([[0 if c == '.' else int(c) for c in row] for row in rows.split()], np.uint8)
    for seed in range(20):
        scribble = scribbled(label, seed, length=0.01 if seed % 2 else 1.0)
        assert set(np.unique(scribble)) - {IGNORE} == set(np.unique(label))


def test_every_region_of_a_class_gets_a_stroke():
    label = np.zeros((40, 60), np.uint8)
    label[5:15, 5:15] = label[20:35, 30:50] = label[2:4, 40:42] = 1
    scribble = scribbled(label)
    for box in (np.s_[5:15, 5:15], np.s_[20:35, 30:50], np.s_[2:4, 40:42]):
        assert (scribble[box] == 1).any()


def test_the_share_that_is_annotated_is_that_of_acdc_within_a_factor_of_two(labels):
    shares = {k: [] for k in ACDC_SHARE}
    for label in labels:
        scribble = scribbled(label)
        for plane, truth in zip(scribble, label):
            for k, found in shares.items():
                if (truth == k).any():
                    found.append((plane == k).sum() / (truth == k).sum())
    for k, share in ACDC_SHARE.items():
        assert share / 2 < np.mean(shares[k]) < 2 * share, (k, np.mean(shares[k]))


def test_strokes_are_thin_and_thickness_makes_them_wider(labels):
    def widest(scribble):
        return max(ndimage.distance_transform_cdt(np.pad(plane == k, 1), 'chessboard').max()
                   for plane in scribble for k in range(4))

    def amount(**settings):
        return np.mean([(scribbled(label, **settings) != IGNORE).mean() for label in labels[:5]])

    assert max(widest(scribbled(label)) for label in labels) <= 2
    assert amount(length=0.4) < 0.7 * amount() < amount() < 0.7 * amount(thickness=3)


def test_the_ring_gets_a_ring_inside_its_wall():
    y, x = np.ogrid[-30:31, -30:31]
    radius = np.hypot(y, x)
    label = np.where(radius < 14, 3, np.where(radius < 22, 2, 0)).astype(np.uint8)
    for seed in range(5):
        stroke = scribbled(label, seed, length=1.0) == 2
        angles = np.rad2deg(np.arctan2(*np.nonzero(stroke)[::1] - np.array([[30], [30]])))
        assert np.diff(np.sort(angles)).max() < 8, 'no gap in a full-length ring'
        assert radius[stroke].min() > 14.5 and radius[stroke].max() < 21.5


def test_the_background_is_drawn_near_the_heart_but_not_at_its_edge(labels):
    near = []
    for label in labels:
        for plane, truth in zip(scribbled(label), label):
            if (truth > 0).sum() > 200:
                away = ndimage.distance_transform_edt(truth == 0)[plane == 0]
                assert away.max() < 45
                near.append(away)
    assert np.concatenate(near).min() >= 1 and 5 < np.concatenate(near).mean() < 20  # ACDC: 12 voxels on average


def test_the_border_of_the_image_is_no_outline():
    label = np.ones((60, 60), np.uint8)
    label[20:, 20:] = 0
    for seed in range(10):
        drawn = scribbled(label, seed, length=1.0) == 0
        assert drawn[-1].sum() <= 8 and drawn[:, -1].sum() <= 8


def test_ignored_voxels_are_not_taken_for_foreground():
    label = np.zeros((120, 120), np.uint8)
    label[20:40, 20:40] = 1
    alone = [scribbled(label, seed) == 0 for seed in range(5)]
    label[100:110, 100:110] = IGNORE
    for seed, drawn in enumerate(alone):
        assert np.array_equal(scribbled(label, seed) == 0, drawn) and not drawn[90:, 90:].any()


def test_a_slice_is_drawn_like_a_volume_of_one_slice(labels):
    plane = labels[0][3]
    assert np.array_equal(scribbled(plane), scribbled(plane[None])[0])


@pytest.mark.parametrize('annotated, expected', [(1.0, 8), (0.5, 4), (0.25, 2), (0.01, 1)])
def test_the_share_of_slices_is_kept(labels, annotated, expected):
    drawn = (scribbled(labels[0], annotated=annotated) != IGNORE).any((1, 2))
    assert drawn.sum() == expected


def test_ignored_voxels_stay_ignored(labels):
    label = labels[0].copy()
    label[:, :, 50:70] = IGNORE
    assert (scribbled(label)[:, :, 50:70] == IGNORE).all()
    assert (scribbled(np.full((3, 9, 9), IGNORE, np.uint8)) == IGNORE).all()


@pytest.mark.parametrize('label, settings, words', [
    (np.full((4, 4), 4), {}, 'class 4.*num_classes=4'), (np.full((4, 4), -1), {}, 'class -1'),
    (np.zeros((1, 2, 4, 4)), {}, r'\(1, 2, 4, 4\)'), (np.zeros((4, 4)), dict(length=0.0), 'length=0.0'),
    (np.zeros((4, 4)), dict(annotated=1.5), 'annotated=1.5'), (np.zeros((4, 4)), dict(thickness=0), 'thickness=0'),
    (np.zeros((4, 4)), dict(thickness=1.5), 'thickness=1.5')])
def test_what_cannot_be_drawn_is_refused_in_one_sentence(label, settings, words):
    with pytest.raises(UserError, match=words):
        scribbled(label, **settings)
