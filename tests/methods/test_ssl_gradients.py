"""Where the gradients of semi-supervised methods go, and where they do not."""
import pytest
import torch

from scarceseg.components.functional import pseudo_label, sharpen
from scarceseg.components.labels import IGNORE

from .ssl_references import Draws, Given, Pieces, array, confident, gradient, nothing, rectified, run, softmax
from .test_methods import RECIPES, all_parts, parts_of, segmentor, terms_of

CONSISTENT = dict(sup='dice_ce', consistency='mean_squared_error')
SPACE = (4, 6)
FOLLOWED = [name for name, recipe in RECIPES.items() if 'teacher' in recipe['networks']]
SEMI = [name for name in RECIPES if 'unlabeled' in parts_of(name)]


@pytest.fixture
def draws():
    return Draws(SPACE)


def of_mse(logits, target):
    """Gradient of the mean squared error of probabilities from a target that is a constant."""
    z = logits.detach().clone().requires_grad_()
    (z.softmax(1) - torch.as_tensor(array(target), dtype=z.dtype)).square().mean().backward()
    return z.grad


def of_ce(logits, label):
    """``(p - onehot) / number`` at the voxels with a class, 0 elsewhere: the gradient of cross entropy."""
    label = torch.as_tensor(label)
    known = (label != IGNORE)[:, None]
    onehot = torch.zeros_like(logits).scatter_(1, label.clamp(max=logits.shape[1] - 1)[:, None], 1)
    return (logits.detach().softmax(1) - onehot) * known / known.sum()


@pytest.mark.parametrize('name', FOLLOWED)
def test_a_teacher_gets_no_gradient_even_where_it_could(name):
    model = segmentor(name).train()
    teacher = model.networks['teacher'].requires_grad_(True)
    terms = terms_of(model, all_parts(name))
    assert all(nothing(g) for term in terms.values() if term.requires_grad for g in gradient(term, *teacher.parameters()))


@pytest.mark.parametrize('name', FOLLOWED)
def test_a_teacher_answers_without_autograd(name):
    model, recording = segmentor(name).train(), []
    for module in model.networks['teacher'].modules():
        module.register_forward_hook(lambda *_: recording.append(torch.is_grad_enabled()))
    terms_of(model, all_parts(name))
    assert recording and not any(recording)


@pytest.mark.parametrize('name', [name for name in SEMI if name != 'bcp'])
def test_the_supervised_term_does_not_depend_on_unlabelled_images(name):
    """Without norms, which mix the samples of a batch; bcp mixes the images themselves."""
    networks = {k: dict(c) if 'average_of' in c else dict(c, norm='none') for k, c in RECIPES[name]['networks'].items()}
    model, batch = segmentor(name, networks=networks).train(), all_parts(name)
    inputs = [v.requires_grad_() for k, v in batch['unlabeled'].items() if k.startswith('image')]
    assert all(nothing(g) for g in gradient(terms_of(model, batch)['sup'], *inputs))


def test_entropy_is_of_unlabelled_images_alone(draws):
    net = Given(draws.logits(5))
    terms = run('entropy_minimization', dict(net=net), draws.batch(2, 3), dict(sup='dice_ce', entropy='entropy'))
    to_entropy, = gradient(terms['entropy'], net.answers[0])
    to_sup, = gradient(terms['sup'], net.answers[0])
    assert nothing(to_entropy[:2]) and to_entropy[2:].abs().min() > 0
    assert nothing(to_sup[2:]) and to_sup[:2].abs().min() > 0


def test_a_student_is_pulled_to_its_teacher_and_not_the_reverse(draws):
    student, teacher = Given(draws.logits(5)), Given(draws.logits(3))
    terms = run('mean_teacher', dict(student=student, teacher=teacher), draws.batch(2, 3), CONSISTENT)
    mine, other = gradient(terms['consistency'], student.answers[0], teacher.answers[0])
    assert nothing(other) and nothing(mine[:2])
    assert torch.allclose(mine[2:], of_mse(student.answers[0][2:], softmax(teacher.answers[0])), atol=1e-7)


def test_uncertain_voxels_of_uamt_carry_no_gradient_and_more_carry_one_as_the_threshold_grows(draws):
    counts = []
    answers = draws.logits(5), draws.logits(3 * 4, scale=1.0)
    for certain in (0.6, 0.75, 0.9, 1.0):
        student, teacher = map(Given, answers)
        terms = run('uamt', dict(student=student, teacher=teacher), draws.batch(2, 3), CONSISTENT, certain=certain, passes=3)
        mine, other = gradient(terms['consistency'], *answers)
        assert nothing(other) and (mine is None or nothing(mine[:2]))
        counts.append(int((mine[2:].abs().sum(1) > 0).sum()))
    assert counts == sorted(counts) and counts[0] < counts[1] < counts[2] <= counts[3] == 3 * 24


def test_the_gradient_of_urpc_goes_through_the_mean_and_the_weights(draws):
    """Against central differences of the formula."""
    scales = [draws.logits(1) for _ in range(3)]
    terms = run('urpc', dict(net=Given(tuple(torch.cat([z.detach(), z]) for z in scales))), draws.batch(1, 1), dict(sup='dice_ce'))
    slope, step = gradient(terms['consistency'], scales[1])[0], 1e-4
    for place in [(0, 0, 0, 0), (0, 2, 3, 5), (0, 1, 2, 2)]:
        values = []
        for sign in (1, -1):
            moved = [array(z).copy() for z in scales]
            moved[1][place] += sign * step
            values.append(rectified([softmax(z) for z in moved]))
        assert float(slope[place]) == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-3, abs=1e-6)


def test_the_main_decoder_of_cct_is_not_pulled_to_the_auxiliary_ones(draws):
    main, auxiliary = draws.logits(5), [draws.logits(3), draws.logits(3)]
    net = Pieces(encoder=Given([draws.logits(5)]), decoder=Given(main), auxiliary=Given(auxiliary))
    terms = run('cct', dict(net=net), draws.batch(2, 3), CONSISTENT)
    to_main, *to_auxiliary = gradient(terms['consistency'], main, *auxiliary)
    assert nothing(to_main)
    for g, z in zip(to_auxiliary, auxiliary):
        assert torch.allclose(g, of_mse(z, softmax(main[2:])) / 2, atol=1e-7)
    assert nothing(gradient(terms['sup'], main)[0][2:])


@pytest.mark.parametrize('name, names, first', [('cps', ('first', 'second'), 0), ('cross_teaching', ('cnn', 'transformer'), 2)])
def test_a_peer_learns_the_classes_of_the_other_which_feels_nothing_of_it(draws, name, names, first):
    """Cross pseudo supervision counts labelled images too, cross teaching does not."""
    one, two = draws.logits(5), draws.logits(5)
    terms = run(name, dict(zip(names, (Given(one), Given(two)))), draws.batch(2, 3), dict(sup='dice_ce', pseudo='cross_entropy'))
    for z, other, g in zip((one, two), (two, one), gradient(terms['pseudo'], one, two)):
        assert nothing(g[:first]) and torch.allclose(g[first:], of_ce(z[first:], confident(other[first:], 0.0)), atol=1e-7)


def test_decoders_of_mcnet_do_not_follow_back(draws):
    outputs = tuple(draws.logits(4, scale=0.3) for _ in range(3))
    terms = run('mcnet', dict(net=Given(outputs)), draws.batch(2, 2), CONSISTENT, temperature=0.5)
    sharp = [sharpen(z.detach().softmax(1), temperature=0.5) for z in outputs]
    for i, g in enumerate(gradient(terms['consistency'], *outputs)):
        assert torch.allclose(g, sum(of_mse(outputs[i], sharp[j]) for j in range(3) if j != i), atol=1e-7)


def test_only_confident_voxels_teach_unimatch_and_the_weak_view_learns_nothing_of_them(draws):
    n, m, answer, strong = 2, 3, draws.logits(8), draws.logits(6)
    batch = draws.batch(n, m)
    batch['unlabeled'].update(image_strong1=draws.images(m), image_strong2=draws.images(m))
    net = Pieces(encoder=Given([draws.logits(5)], None), decoder=Given(answer, strong))
    terms = run('unimatch', dict(net=net), batch, dict(sup='dice_ce', pseudo='cross_entropy'), confidence=0.8, mixing=0.0)
    target = torch.as_tensor(confident(answer[n:n + m], 0.8))
    assert 0.1 < float((target == IGNORE).float().mean()) < 0.9
    to_features, = gradient(terms['features'], answer)
    assert nothing(to_features[:n + m]) and torch.allclose(to_features[n + m:], of_ce(answer[n + m:], target), atol=1e-7)
    to_strong, to_weak = gradient(terms['strong'], strong, answer)
    assert nothing(to_weak) and torch.allclose(to_strong, of_ce(strong, torch.cat([target] * 2)), atol=1e-7)


def test_each_voxel_of_a_bcp_mixture_gets_its_gradient_from_one_term(draws):
    student, teacher = Given(draws.logits(4)), Given(draws.logits(4))
    terms = run('bcp', dict(student=student, teacher=teacher), draws.batch(4, 4), dict(sup='cross_entropy', pseudo='cross_entropy'))
    felt = []
    for term in ('sup', 'pseudo'):
        mine, other = gradient(terms[term], student.answers[0], teacher.answers[0])
        assert nothing(other)
        felt.append(mine.abs().sum(1) > 0)
    assert (felt[0] ^ felt[1]).all()


def test_distillation_pulls_the_student_alone(draws):
    mine, other = [draws.logits(4)], [draws.logits(4)]
    nets = {name: Pieces(encoder=Given(f), decoder=Given(draws.logits(4)))
            for name, f in (('student', mine), ('teacher', other))}
    terms = run('distillation', nets, draws.batch(2, 2), dict(sup='dice_ce', logits='soft_cross_entropy',
                                                             features='attention_transfer'), levels=(0,))
    for term, student, teacher in (('logits', nets['student'].decoder.answers[0], nets['teacher'].decoder.answers[0]),
                                   ('features', mine[0], other[0])):
        to_student, to_teacher = gradient(terms[term], student, teacher)
        assert not nothing(to_student) and nothing(to_teacher)


def test_pseudo_labels_are_constants():
    z = torch.randn(2, 3, 4, 4, requires_grad=True)
    assert not pseudo_label(z).requires_grad and not pseudo_label(z, confidence=0.5).requires_grad
