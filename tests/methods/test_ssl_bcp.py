"""Bidirectional copy-paste: regions, labels, pre-training, against a literal reference."""
import numpy as np
import pytest
import torch
from scipy import ndimage

from scarceseg.components.functional import draw_boxes
from scarceseg.components.labels import IGNORE
from scarceseg.registry import UserError

from .ssl_references import SPACES, Draws, Given, array, half, in_box, pasted, run, softmax

SIDE = 0.6
LOSSES = dict(sup='dice_ce', pseudo='dice_ce')


def the_box(space, seed):
    """What the generator draws first."""
    torch.manual_seed(seed)
    return draw_boxes(1, space, share=(SIDE ** len(space),) * 2, stretch=1)[0]


def largest(label):
    """One sample with the largest connected part of each class."""
    kept = np.zeros_like(label)
    for c in set(label.ravel()) - {0}:
        parts, count = ndimage.label(label == c)
        sizes = [(parts == k + 1).sum() for k in range(count)]
        kept[parts == 1 + int(np.argmax(sizes))] = c
    return kept


def only(label, keep):
    """The label where ``keep(place)``, 255 elsewhere."""
    return np.array([y if keep(place) else IGNORE for place, y in np.ndenumerate(label)]).reshape(label.shape)


@pytest.mark.parametrize('space', SPACES)
@pytest.mark.parametrize('pairs', [1, 2])
def test_labels_rule_on_one_side_of_the_box_and_the_teacher_on_the_other(space, pairs):
    draws, n = Draws(space), pairs
    batch = draws.batch(2 * n, 2 * n)
    student, teacher = Given(draws.logits(2 * n)), Given(draws.logits(2 * n))
    torch.manual_seed(4)
    terms = run('bcp', dict(student=student, teacher=teacher), batch, LOSSES, side=SIDE)

    box = the_box(space, 4)
    x, u = array(batch['labeled']['image']), array(batch['unlabeled']['image'])
    y, guess = array(batch['labeled']['label']).astype(int), [largest(g) for g in softmax(teacher.answers[0]).argmax(1)]
    assert any((g != raw).any() for g, raw in zip(guess, softmax(teacher.answers[0]).argmax(1)))
    inwards = [pasted(u[i], x[i], box) for i in range(n)]  # a box of a labelled image in an unlabelled one
    outwards = [pasted(x[n + i], u[n + i], box) for i in range(n)]
    assert np.array_equal(array(student.asked[0]), np.stack(inwards + outwards))

    def inside(place):
        return in_box(box, place)

    def outside(place):
        return not in_box(box, place)
    into, out = student.answers[0][:n], student.answers[0][n:]
    known = [np.stack([only(y[i], inside) for i in range(n)]), np.stack([only(y[n + i], outside) for i in range(n)])]
    pseudo = [np.stack([only(guess[i], outside) for i in range(n)]), np.stack([only(guess[n + i], inside) for i in range(n)])]
    assert float(terms['sup'].detach()) == pytest.approx((half(into, known[0]) + half(out, known[1])) / 2, rel=1e-4)
    assert float(terms['pseudo'].detach()) == pytest.approx((half(into, pseudo[0]) + half(out, pseudo[1])) / 2, rel=1e-4)
    assert len(student.asked) == len(teacher.asked) == 1 and teacher.recording == [False]
    assert torch.equal(teacher.asked[0], batch['unlabeled']['image'])


def test_each_voxel_of_a_mixture_is_taught_once():
    """By its label or by the teacher, and the two make up the image that is seen."""
    draws, seen = Draws((6, 8)), {}
    batch = draws.batch(2, 2)

    def note(term):
        def loss(logits, label):
            seen.setdefault(term, []).append(label)
            return logits.sum()
        return loss
    run('bcp', dict(student=Given(draws.logits(2)), teacher=Given(draws.logits(2))), batch,
        dict(sup=note('sup'), pseudo=note('pseudo')), side=SIDE)
    for known, guessed in zip(seen['sup'], seen['pseudo']):
        assert ((known == IGNORE) != (guessed == IGNORE)).all() and (known != IGNORE).any() and (guessed != IGNORE).any()
    first, second = seen['sup']
    assert ((first == IGNORE) == (second != IGNORE)).all()  # one box for both directions


def test_a_box_has_two_thirds_of_each_side_unless_told_otherwise():
    draws, seen = Draws((12, 9)), []
    run('bcp', dict(student=Given(draws.logits(2)), teacher=Given(draws.logits(2))), draws.batch(2, 2),
        dict(sup=lambda z, y: seen.append(y) or z.sum(), pseudo=lambda z, y: z.sum()))
    assert int((seen[0] != IGNORE).sum()) == 8 * 6


@pytest.mark.parametrize('space', SPACES)
def test_pre_training_mixes_labelled_images_with_one_another_and_asks_no_teacher(space):
    draws = Draws(space)
    batch, student = draws.batch(4, 2), Given(draws.logits(4))
    batch['unlabeled']['image'].fill_(float('nan'))
    batch['unlabeled'] = dict(image=torch.cat([batch['unlabeled']['image']] * 2))
    torch.manual_seed(4)
    terms = run('bcp', dict(student=student, teacher=Given()), batch, LOSSES, side=SIDE, alone=1)
    box = the_box(space, 4)
    x, y = array(batch['labeled']['image']), array(batch['labeled']['label'])
    assert np.array_equal(array(student.asked[0]), np.stack([pasted(x[i], x[i - 2], box) for i in range(4)]))
    label = np.stack([pasted(y[i], y[i - 2], box) for i in range(4)])
    assert float(terms['sup'].detach()) == pytest.approx(half(student.answers[0], label), rel=1e-4)
    assert float(terms['pseudo'].detach()) == 0 and terms['pseudo'].ndim == 0


def test_the_phases_follow_the_schedule():
    from .test_methods import all_parts, segmentor, terms_of
    model = segmentor('bcp', method=dict(type='bcp', alone=dict(type='step', before=1, after=0, at=3)))
    batch = all_parts('bcp')
    assert [float(terms_of(model, batch, t)['pseudo'].detach()) > 0 for t in (0, 2, 3, 9)] == [False, False, True, True]


@pytest.mark.parametrize('labeled, unlabeled', [(3, 3), (2, 4), (4, 2), (1, 1)])
@pytest.mark.parametrize('alone', [0, 1])
def test_parts_that_are_not_of_one_even_number_are_refused(labeled, unlabeled, alone):
    draws = Draws((4, 6))
    with pytest.raises(UserError, match=f'{labeled} and {unlabeled}; give both parts the same even number') as caught:
        run('bcp', dict(student=Given(), teacher=Given()), draws.batch(labeled, unlabeled), LOSSES, alone=alone)
    assert '\n' not in str(caught.value)


def test_a_side_longer_than_the_image_is_refused():
    draws = Draws((4, 6))
    with pytest.raises(UserError, match='side=1.5 of bcp'):
        run('bcp', dict(student=Given(), teacher=Given()), draws.batch(2, 2), LOSSES, side=1.5)
