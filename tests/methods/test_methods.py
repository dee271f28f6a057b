"""Properties that every method on the shelf has, and the formulas of each."""
import numpy as np
import pytest
import torch
from torch import nn

from scarceseg.components.functional import mixed_pseudo_label
from scarceseg.components.labels import IGNORE
from scarceseg.methods.contract import check_needs, check_parts, method_needs
from scarceseg.methods.weighing import at
from scarceseg.registry import METHODS, MODELS, UserError

CLASSES = 3
NETWORK = dict(type='UNet2D', in_channels=1, num_classes=CLASSES, channels=(4, 8), dropout=0.0)
DUAL = {**NETWORK, 'type': 'DualBranchUNet2D'}
TEACHER = dict(type='MovingAverage', average_of='student')
SUP, CONSISTENCY, PSEUDO = dict(type='dice_ce'), dict(type='mean_squared_error'), dict(type='cross_entropy')
RAMP = dict(type='sigmoid_rampup', start=0.75, stop=1.0, length=10)
RECIPES = {
    'entropy_minimization': dict(networks=dict(net=NETWORK), losses=dict(sup=SUP, entropy=dict(type='entropy'))),
    'mean_teacher': dict(networks=dict(student=NETWORK, teacher=TEACHER), losses=dict(sup=SUP, consistency=CONSISTENCY)),
    'uamt': dict(networks=dict(student={**NETWORK, 'dropout': 0.1}, teacher=TEACHER), losses=dict(sup=SUP, consistency=CONSISTENCY),
                 method=dict(type='uamt', passes=2, certain=RAMP)),
    'urpc': dict(networks=dict(net={**NETWORK, 'channels': (4, 8, 8), 'scales': 2}), losses=dict(sup=SUP)),
    'cct': dict(networks=dict(net={**NETWORK, 'type': 'PerturbedDecoderUNet'}), losses=dict(sup=SUP, consistency=CONSISTENCY)),
    'cps': dict(networks=dict(first=NETWORK, second=NETWORK), losses=dict(sup=SUP, pseudo=PSEUDO)),
    'cross_teaching': dict(networks=dict(cnn=NETWORK, transformer={**NETWORK, 'norm': 'layer'}),
                           losses=dict(sup=SUP, pseudo=dict(type='soft_dice'))),
    'mcnet': dict(networks=dict(net={**NETWORK, 'type': 'MultiDecoderUNet'}), losses=dict(sup=SUP, consistency=CONSISTENCY)),
    'unimatch': dict(networks=dict(net=NETWORK), losses=dict(sup=SUP, pseudo=PSEUDO),
                     method=dict(type='unimatch', confidence=0.4), weights=dict(strong=0.1, features=0.1)),
    'bcp': dict(networks=dict(student=NETWORK, teacher=TEACHER), losses=dict(sup=SUP, pseudo=SUP)),
    'distillation': dict(networks=dict(student=NETWORK, teacher={**NETWORK, 'channels': (6, 12), 'frozen': True}),
                         losses=dict(sup=SUP, logits=dict(type='soft_cross_entropy'), features=dict(type='attention_transfer'))),
    'supervised': dict(networks=dict(net=NETWORK), losses=dict(sup=dict(type='dice_ce'))),
    'dmpls': dict(networks=dict(dual=DUAL), losses=dict(sup=dict(type='cross_entropy'), pseudo=dict(type='soft_dice')),
                  weights=dict(pseudo=dict(type='sigmoid_rampup', stop=0.5, length=10))),
}


def segmentor(name, **changes):
    torch.manual_seed(0)
    model = MODELS.build(dict(type='Segmentor', **{'method': dict(type=name), **RECIPES[name], **changes}))
    model.start()
    return model


def terms_of(model, batch, iteration=0):
    """The terms of a segmentor's method."""
    return model.method(model.networks, batch, model.losses, **at(model.settings, iteration))


def make_batch(part='scribbled', ignored=0.8, seed=0):
    g = torch.Generator().manual_seed(seed)
    label = torch.randint(0, CLASSES, (2, 16, 16), generator=g)
    image = label[:, None].float() + torch.randn(2, 1, 16, 16, generator=g)
    label[torch.rand(label.shape, generator=g) < ignored] = IGNORE
    fields = dict(image=image, label=label, name=['a', 'b'])
    if part == 'unlabeled':
        fields = dict(image=image, image_strong1=image.exp(), image_strong2=-image, name=['a', 'b'])
    return {part: fields}


def parts_of(name):
    return METHODS.get(name).needs.parts or ('labeled',)


def all_parts(name):
    return {k: v for part in parts_of(name) for k, v in make_batch(part).items()}


def test_every_method_on_the_shelf_has_a_recipe_here():
    METHODS.import_from_location()
    assert set(RECIPES) == set(METHODS.module_dict)


@pytest.mark.parametrize('name', RECIPES)
def test_every_term_is_a_finite_scalar_with_a_gradient_to_a_trained_parameter(name):
    model = segmentor(name)
    terms = terms_of(model, all_parts(name))
    assert set(terms) == set(METHODS.get(name).needs.terms)
    for term, value in terms.items():
        assert value.ndim == 0 and torch.isfinite(value), term
        gradients = torch.autograd.grad(value, [p for p in model.parameters() if p.requires_grad], retain_graph=True,
                                        allow_unused=True)
        assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0, term


@pytest.mark.parametrize('name', RECIPES)
def test_a_method_changes_neither_weights_nor_batch(name):
    model, batch = segmentor(name).train(), all_parts(name)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        norm.eval()  # running statistics are the norm's own affair
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    copies = {part: {k: v.clone() for k, v in fields.items() if torch.is_tensor(v)} for part, fields in batch.items()}
    terms_of(model, batch)
    assert all(torch.equal(v, weights[k]) for k, v in model.state_dict().items())
    assert all(torch.equal(batch[p][k], v) for p, fields in copies.items() for k, v in fields.items())


@pytest.mark.parametrize('name', RECIPES)
def test_a_step_of_a_few_iterations_lowers_the_loss(name):
    """Forty steps on one batch."""
    model, batch = segmentor(name), all_parts(name)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    values = []
    for t in range(40):
        model.iteration = t
        torch.manual_seed(t)
        losses = model(mode='loss', **batch)
        total = losses['loss_sup']
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if k.startswith('loss')).backward()
        optimizer.step()
        values.append(float(total.detach()))
    assert values[-1] < 0.7 * values[0]


@pytest.mark.parametrize('name', RECIPES)
def test_bfloat16_gives_finite_losses_close_to_those_of_float32(name):
    model, batch = segmentor(name), all_parts(name)
    torch.manual_seed(0)
    expected = terms_of(model, batch)
    torch.manual_seed(0)
    with torch.autocast('cpu', torch.bfloat16):
        terms = terms_of(model, batch)
    for term in terms:
        assert terms[term].dtype == torch.float32
        assert float(terms[term]) == pytest.approx(float(expected[term]), rel=0.1)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_dmpls_equals_its_formula():
    """The two branches' logits are given; β is what the generator draws."""
    rng = np.random.default_rng(0)
    logits = [rng.normal(0, 1, (2, CLASSES, 4, 4)).astype(np.float32) for _ in range(2)]
    scribble = rng.integers(0, CLASSES, (2, 4, 4))
    scribble[rng.random(scribble.shape) < 0.5] = IGNORE

    class Given(nn.Module):
        def forward(self, image):
            return tuple(torch.tensor(z) for z in logits)
    losses = segmentor('dmpls').losses
    batch = dict(scribbled=dict(image=torch.zeros(2, 1, 4, 4), label=torch.tensor(scribble)))
    torch.manual_seed(3)
    beta = float(torch.rand(()))
    torch.manual_seed(3)
    terms = METHODS.build(dict(type='dmpls'))(dict(dual=Given()), batch, losses)

    p1, p2 = map(softmax, logits)
    pseudo = (beta * p1 + (1 - beta) * p2).argmax(1)
    known = scribble != IGNORE
    picked = [np.take_along_axis(p, np.where(known, scribble, 0)[:, None], 1)[:, 0] for p in (p1, p2)]
    sup = np.mean([-np.log(p[known]).mean() for p in picked])
    onehot = np.eye(CLASSES)[pseudo].transpose(0, 3, 1, 2)
    dice = [1 - np.mean((2 * (p * onehot).sum((0, 2, 3)) + 1e-5) / ((p + onehot).sum((0, 2, 3)) + 1e-5)) for p in (p1, p2)]
    assert float(terms['sup']) == pytest.approx(sup, rel=1e-5)
    assert float(terms['pseudo']) == pytest.approx(np.mean(dice), rel=1e-5)


def test_the_pseudo_label_carries_no_gradient_and_mixes_by_beta():
    first, second = torch.randn(1, 3, 4, 4, requires_grad=True), torch.randn(1, 3, 4, 4)
    assert not mixed_pseudo_label(first, second, 0.5).requires_grad
    assert torch.equal(mixed_pseudo_label(first, second, 1.0), first.argmax(1))
    assert torch.equal(mixed_pseudo_label(first, second, 0.0), second.argmax(1))


def test_uamt_gives_the_same_whether_few_answers_or_all_go_through_the_teacher_at_once():
    """Of a network without dropout and batch statistics."""
    plain, terms = {**NETWORK, 'norm': 'none'}, []
    for settings in ({}, {'at_once': 2}):
        model = segmentor('uamt', networks=dict(student=plain, teacher=TEACHER),
                          method=dict(type='uamt', passes=4, certain=0.9, noise=1.0, **settings))
        torch.manual_seed(1)
        terms.append(terms_of(model, all_parts('uamt')))
    assert terms[0]['consistency'] > 0 and all(torch.allclose(terms[0][k], terms[1][k]) for k in terms[0])
    with pytest.raises(UserError, match='at_once=0 of uamt must be 1 or more'):
        terms_of(segmentor('uamt', method=dict(type='uamt', certain=0.9, at_once=0)), all_parts('uamt'))


def test_supervision_by_scribbles_is_partial_cross_entropy_in_one_forward():
    model = segmentor('supervised', losses=dict(sup=dict(type='cross_entropy')))
    batch = {**make_batch('scribbled'), **make_batch('labeled', ignored=0, seed=1),
             'unlabeled': dict(image=torch.zeros(1, 1, 16, 16))}
    value = model.method(model.networks, batch, model.losses)['sup']
    image = torch.cat([batch[p]['image'] for p in ('scribbled', 'labeled')])
    label = torch.cat([batch[p]['label'] for p in ('scribbled', 'labeled')])
    expected = nn.functional.cross_entropy(model.networks['net'](image), label, ignore_index=IGNORE)
    assert float(value) == pytest.approx(float(expected), rel=1e-5)


def test_without_annotation_the_supervised_terms_are_zero():
    for name in RECIPES:
        model = segmentor(name, losses=dict(RECIPES[name]['losses'], sup=dict(type='cross_entropy')))
        terms = terms_of(model, {p: make_batch(p, ignored=1.1)[p] for p in parts_of(name)})
        assert float(terms['sup']) == 0


@pytest.mark.parametrize('changes, part', [
    (dict(networks=dict(net=DUAL)), 'needs networks dual; the config lacks dual and has net'),
    (dict(losses=dict(sup=dict(type='cross_entropy'))), 'lacks pseudo'),
    (dict(weights=dict(pseudp=1.0)), "weights.pseudp.*did you mean 'pseudo'"),
    (dict(predict='daul'), "did you mean 'dual'"),
    (dict(networks=dict(dual=DUAL, slow=dict(type='ExponentialMovingAverage', average_of='dul'))), "did you mean 'dual'")])
def test_names_that_do_not_fit_together_are_answered(changes, part):
    with pytest.raises(UserError, match=part):
        segmentor('dmpls', **changes)


def test_parts_that_a_batch_lacks_are_named():
    method = METHODS.build(dict(type='dmpls'))
    with pytest.raises(UserError, match='needs scribbled in each batch; the batch sampler gives labeled'):
        check_parts(method, ['labeled'])
    with pytest.raises(UserError, match="did you mean 'scribbled'"):
        check_parts(method, ['scribled'])


def test_a_term_may_not_be_called_loss_for_mmengine_would_add_it():
    with pytest.raises(AssertionError, match='adds up'):
        method_needs(networks='net', losses='sup', terms='loss_sup')


def test_a_loss_without_use_is_refused():
    method = METHODS.build(dict(type='supervised'))
    with pytest.raises(UserError, match='losses.pseudo: method supervised has no use'):
        check_needs(method, ['net'], dict(sup=1, pseudo=1), {})
