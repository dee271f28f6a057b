"""Each term of each semi-supervised method, against its formula written out in NumPy."""
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from scarceseg.components.functional import draw_boxes
from scarceseg.components.labels import IGNORE

from .ssl_references import (
    SPACES,
    Draws,
    Given,
    Pieces,
    array,
    ce,
    confident,
    dice,
    entropy,
    half,
    mse,
    noisy,
    pasted,
    rectified,
    run,
    sharpened,
    softmax,
)

CONSISTENT = dict(sup='dice_ce', consistency='mean_squared_error')


@pytest.fixture(params=SPACES, ids=['2D', '3D'])
def draws(request):
    return Draws(request.param)


def close(terms, **expected):
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert float(terms[name].detach()) == pytest.approx(float(value), rel=1e-4), name


def test_entropy_minimisation(draws):
    net, batch = Given(draws.logits(5)), draws.batch(2, 3)
    terms = run('entropy_minimization', dict(net=net), batch, dict(sup='dice_ce', entropy='entropy'))
    z, = net.answers
    close(terms, sup=half(z[:2], batch['labeled']['label']), entropy=entropy(softmax(z[2:])).mean())
    assert len(net.asked) == 1 and torch.equal(net.asked[0], torch.cat([batch[p]['image'] for p in ('labeled', 'unlabeled')]))


def test_mean_teacher(draws):
    student, teacher, batch = Given(draws.logits(5)), Given(draws.logits(3)), draws.batch(2, 3)
    torch.manual_seed(3)
    terms = run('mean_teacher', dict(student=student, teacher=teacher), batch, CONSISTENT, noise=0.2)
    z = student.answers[0]
    close(terms, sup=half(z[:2], batch['labeled']['label']), consistency=mse(softmax(z[2:]), softmax(teacher.answers[0])))
    torch.manual_seed(3)
    image = batch['unlabeled']['image']
    assert torch.allclose(student.asked[0], torch.cat([batch['labeled']['image'], noisy(image, 0.2)]))
    assert torch.allclose(teacher.asked[0], noisy(image, 0.2))


@pytest.mark.parametrize('certain', [0.0, 0.7, 0.9, 1.0])
def test_uamt(draws, certain):
    student, teacher, batch = Given(draws.logits(5)), Given(draws.logits(3 * 4)), draws.batch(2, 3)
    torch.manual_seed(3)
    terms = run('uamt', dict(student=student, teacher=teacher), batch, CONSISTENT, certain=certain, passes=3)
    z, (followed, *answers) = student.answers[0], np.split(softmax(teacher.answers[0]), 4)
    mask = entropy(sum(answers) / 3) < certain
    assert mask.any() == (certain > 0) and mask.all() == (certain == 1)
    close(terms, sup=half(z[:2], batch['labeled']['label']), consistency=mse(softmax(z[2:]), followed, mask))
    torch.manual_seed(3)
    image = batch['unlabeled']['image']
    assert torch.allclose(student.asked[0][2:], noisy(image)) and len(teacher.asked) == 1
    assert torch.allclose(teacher.asked[0], noisy(torch.cat([image] * 4)))


def test_urpc(draws):
    net, batch = Given(tuple(draws.logits(5) for _ in range(4))), draws.batch(2, 3)
    terms = run('urpc', dict(net=net), batch, dict(sup='dice_ce'))
    scales, label = net.answers[0], batch['labeled']['label']
    close(terms, sup=np.mean([half(z[:2], label) for z in scales]), consistency=rectified([softmax(z[2:]) for z in scales]))
    assert len(net.asked) == 1


def test_urpc_interpolates_coarse_scales(draws):
    batch, fine = draws.batch(2, 3), draws.logits(5)
    coarse = F.avg_pool2d(fine, 2) if fine.ndim == 4 else F.avg_pool3d(fine, 2)
    whole = F.interpolate(coarse, fine.shape[2:], mode='bilinear' if fine.ndim == 4 else 'trilinear')
    one, two = (run('urpc', dict(net=Given((fine, z))), batch, dict(sup='dice_ce')) for z in (coarse, whole))
    close(one, **{name: value.detach() for name, value in two.items()})


def test_cct(draws):
    features, main, auxiliary = draws.logits(5, channels=4), draws.logits(5), [draws.logits(3) for _ in range(2)]
    net, batch = Pieces(encoder=Given([features]), decoder=Given(main), auxiliary=Given(auxiliary)), draws.batch(2, 3)
    terms = run('cct', dict(net=net), batch, CONSISTENT)
    target = softmax(main[2:])
    close(terms, sup=half(main[:2], batch['labeled']['label']), consistency=np.mean([mse(softmax(z), target) for z in auxiliary]))
    assert [len(p.asked) for p in (net.encoder, net.decoder, net.auxiliary)] == [1, 1, 1]
    assert torch.equal(net.decoder.asked[0][0], features) and torch.equal(net.auxiliary.asked[0][0], features[2:])


@pytest.mark.parametrize('least', [0.0, 0.8])
def test_cps(draws, least):
    nets, batch = dict(first=Given(draws.logits(5)), second=Given(draws.logits(5))), draws.batch(2, 3)
    terms = run('cps', nets, batch, dict(sup='dice_ce', pseudo='cross_entropy'), confidence=least)
    (a,), (b,) = (net.answers for net in nets.values())
    label = batch['labeled']['label']
    close(terms, sup=half(a[:2], label) + half(b[:2], label), pseudo=ce(a, confident(b, least)) + ce(b, confident(a, least)))
    assert [len(net.asked) for net in nets.values()] == [1, 1]


@pytest.mark.parametrize('least', [0.0, 0.8])
def test_cross_teaching(draws, least):
    nets, batch = dict(cnn=Given(draws.logits(5)), transformer=Given(draws.logits(5))), draws.batch(2, 3)
    terms = run('cross_teaching', nets, batch, dict(sup='dice_ce', pseudo='soft_dice'), confidence=least)
    (a,), (b,) = (net.answers for net in nets.values())
    label = batch['labeled']['label']
    close(terms, sup=half(a[:2], label) + half(b[:2], label),
          pseudo=dice(a[2:], confident(b[2:], least)) + dice(b[2:], confident(a[2:], least)))
    assert [len(net.asked) for net in nets.values()] == [1, 1]


@pytest.mark.parametrize('decoders', [2, 3])
def test_mcnet(draws, decoders):
    net, batch = Given(tuple(draws.logits(5, scale=0.5) for _ in range(decoders))), draws.batch(2, 3)
    terms = run('mcnet', dict(net=net), batch, CONSISTENT, temperature=0.2)
    outputs, label = net.answers[0], batch['labeled']['label']
    apart = sum(mse(softmax(outputs[i]), sharpened(softmax(outputs[j]), 0.2))
                for i in range(decoders) for j in range(decoders) if i != j)
    close(terms, sup=sum(half(z[:2], label) for z in outputs), consistency=apart)
    assert len(net.asked) == 1


def test_unimatch(draws):
    """Channels and boxes are what the generator draws; image i gets a box of image i - 1, and so does its pseudo label."""
    n, m, features = 2, 3, [draws.logits(5, channels=4), draws.logits(5, channels=6)]
    answer, strong, batch = draws.logits(n + 2 * m), draws.logits(2 * m), draws.batch(n, m)
    batch['unlabeled'].update(image_strong1=draws.images(m), image_strong2=draws.images(m))
    net = Pieces(encoder=Given(features, None), decoder=Given(answer, strong))
    settings = dict(confidence=0.7, dropout=0.4, share=(0.2, 0.5), mixing=0.8)
    torch.manual_seed(5)
    terms = run('unimatch', dict(net=net), batch, dict(sup='dice_ce', pseudo='cross_entropy'), **settings)
    torch.manual_seed(5)
    kept = [(torch.rand(m, f.shape[1]) >= 0.4).float() / 0.6 for f in features]
    boxes = draw_boxes(2 * m, draws.space, share=(0.2, 0.5), probability=0.8)
    for f, keep, asked in zip(features, kept, net.decoder.asked[0]):
        assert torch.equal(asked[:n + m], f)
        assert torch.allclose(asked[n + m:], f[n:] * keep.view(*keep.shape, *[1] * len(draws.space)))
    target, mixed = confident(answer[n:n + m], 0.7), []
    assert 0.1 < (target == IGNORE).mean() < 0.9
    for k in range(2 * m):
        view, i = array(batch['unlabeled'][f'image_strong{1 + k // m}']), k % m
        assert np.allclose(array(net.encoder.asked[1][k]), pasted(view[i], view[i - 1], boxes[k]))
        mixed.append(pasted(target[i], target[i - 1], boxes[k]))
    assert any(not np.array_equal(mixed[k], target[k % m]) for k in range(2 * m))
    close(terms, sup=half(answer[:n], batch['labeled']['label']), strong=ce(strong, np.stack(mixed)),
          features=ce(answer[n + m:], target))
    assert len(net.encoder.asked) == len(net.decoder.asked) == 2


def test_distillation(draws):
    """Features of the teacher are of the same size here, and of more channels."""
    mine, other = [[draws.logits(5, channels=c) for _ in range(3)] for c in (2, 4)]
    student, teacher = (Pieces(encoder=Given(f), decoder=Given(draws.logits(5))) for f in (mine, other))
    batch = draws.batch(2, 3)
    losses = dict(sup='dice_ce', logits='soft_cross_entropy', features='attention_transfer')
    terms = run('distillation', dict(student=student, teacher=teacher), batch, losses, temperature=3.0, levels=(-1, 0))
    z, t = student.decoder.answers[0], teacher.decoder.answers[0]
    soft = -(softmax(array(t) / 3) * np.log(softmax(array(z) / 3))).sum(1).mean()

    def activity(f, sample):
        a = (array(f)[sample] ** 2).sum(0).ravel()
        return a / np.sqrt((a ** 2).sum())
    apart = [np.mean([((activity(mine[k], s) - activity(other[k], s)) ** 2).sum() for s in range(5)]) for k in (2, 0)]
    close(terms, sup=half(z[:2], batch['labeled']['label']), logits=9 * soft, features=np.mean(apart))
    assert [len(p.asked) for net in (student, teacher) for p in (net.encoder, net.decoder)] == [1] * 4
