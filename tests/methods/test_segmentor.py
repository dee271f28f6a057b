import pytest
import torch
from torch import nn

from scarceseg.methods.loop import step_seed
from scarceseg.methods.weighing import weigh
from scarceseg.registry import METHODS, MODELS, UserError

from .test_methods import DUAL, NETWORK, RECIPES, make_batch, segmentor


def test_weights_follow_their_schedule_and_what_is_logged_is_not_added():
    terms = dict(sup=torch.tensor(2.0), pseudo=torch.tensor(3.0))
    out = weigh(terms, dict(pseudo=0.5))
    assert {k: float(v) for k, v in out.items()} == {'loss_sup': 2, 'loss_pseudo': 1.5, 'term/pseudo': 3, 'weight/pseudo': 0.5}
    model = segmentor('dmpls')
    total, logged = model.parse_losses(out)
    assert float(total) == 3.5 and float(logged['loss']) == 3.5


def test_a_loss_that_returns_a_map_is_refused():
    with pytest.raises(UserError, match=r"term 'sup' has shape .2, 3."):
        weigh(dict(sup=torch.zeros(2, 3)), {})


def test_a_weight_of_zero_equals_leaving_the_term_out():
    """The gradients of DMPLS without pseudo labels are those of its supervised term."""
    model = segmentor('dmpls', weights=dict(pseudo=0.0))
    batch = make_batch()
    model.iteration = 0
    torch.manual_seed(0)
    model.parse_losses(model(mode='loss', **batch))[0].backward()
    got = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    torch.manual_seed(0)
    inner = {k: {**v, 'image': v['image'].contiguous(memory_format=torch.channels_last)} for k, v in batch.items()}
    model.method(model.networks, inner, model.losses)['sup'].backward()
    assert all(torch.allclose(a, p.grad, atol=1e-6) for a, p in zip(got, model.parameters()))


def test_a_setting_of_a_method_may_be_a_schedule(monkeypatch):
    seen = []

    def ramped(nets, batch, losses, *, threshold):
        seen.append(threshold)
        return dict(sup=torch.zeros((), requires_grad=True))
    ramped.needs = METHODS.get('supervised').needs
    monkeypatch.setitem(METHODS.module_dict, 'ramped', ramped)
    model = MODELS.build(dict(type='Segmentor', **{**RECIPES['supervised'], 'method': dict(
        type='ramped', threshold=dict(type='linear_rampup', stop=1.0, length=10))}))
    for t in (0, 5, 20):
        model.iteration = t
        model(mode='loss', **make_batch('labeled'))
    assert seen == [0, 0.5, 1]


def test_an_average_follows_its_closed_form_and_starts_equal():
    """After n steps θ̄ₙ = (1-m) θ̄ₙ₋₁ + m θₙ, from θ̄₀ = θ₀; mmengine copies at its first update, which is step 1."""
    model = segmentor('supervised', networks=dict(
        net=NETWORK, slow=dict(type='ExponentialMovingAverage', average_of='net', momentum=0.1)))
    with torch.no_grad():
        for p in model.networks['net'].parameters():
            p.add_(1)  # as an initialisation after construction would
    model.sync_averages()
    source, average = model.networks['net'], model.networks['slow'].module
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), average.parameters()))
    assert not any(p.requires_grad for p in average.parameters())
    history = []
    for _ in range(5):
        with torch.no_grad():
            for p in source.parameters():
                p.add_(0.5)
        model.move_averages()
        history.append([p.clone() for p in source.parameters()])
    expected = history[0]
    for later in history[1:]:
        expected = [0.9 * e + 0.1 * p for e, p in zip(expected, later)]
    assert all(torch.allclose(a, e, atol=1e-5) for a, e in zip(average.parameters(), expected))
    assert any(float(p.abs().sum()) > 0 for p in average.parameters())


def test_averages_that_lose_their_weights_on_the_way_are_refused():
    slow = dict(type='ExponentialMovingAverage', average_of='net', update_buffers=True)
    with pytest.raises(UserError, match='networks.slow: .* update_buffers loses its weights .*MovingAverage'):
        segmentor('supervised', networks=dict(net=NETWORK, slow=slow))


def test_the_order_of_names_in_a_config_does_not_matter():
    """A config that is written to a file comes back with its keys sorted."""
    average = dict(type='ExponentialMovingAverage', average_of='dual', momentum=0.1)
    one, two = (segmentor('dmpls', networks=n) for n in (dict(dual=DUAL, average=average), dict(average=average, dual=DUAL)))
    assert one.predict_name == two.predict_name == 'dual'
    assert all(torch.equal(v, two.state_dict()[k]) for k, v in one.state_dict().items())


def test_heads_are_averaged_as_probabilities():
    model = segmentor('dmpls').eval()
    image = torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        first, second = (z.softmax(1) for z in model.networks['dual'](image))
        assert torch.allclose(model.probabilities(image), (first + second) / 2, atol=1e-6)
        model.heads = (1,)
        assert torch.allclose(model.probabilities(image), second, atol=1e-6)


def test_a_volume_is_predicted_slice_by_slice_like_its_slices():
    model = segmentor('dmpls', inferer=dict(type='sliding_window', window=(1, None, None), batch_size=2)).eval()
    volume = torch.randn(1, 1, 5, 17, 20)
    expected = torch.stack([model.probabilities(volume[:, :, z]) for z in range(5)], 2)
    assert torch.allclose(model.predict(volume), expected, atol=1e-5)


def test_predictions_do_not_depend_on_the_memory_format():
    image = torch.randn(1, 1, 16, 16)
    inner, outer = (segmentor('dmpls', channels_last=c).eval() for c in (True, False))
    assert torch.allclose(inner.predict(image), outer.predict(image), atol=1e-5)
    assert inner.networks['dual'].encoder.levels[1][0].weight.is_contiguous(memory_format=torch.channels_last)


def test_a_segmentor_outside_the_loop_says_what_is_missing():
    with pytest.raises(RuntimeError, match='MethodTrainLoop'):
        segmentor('supervised')(mode='loss', **make_batch('labeled'))


def test_the_seed_of_a_step_differs_by_seed_iteration_and_rank_and_is_valid():
    seeds = {step_seed(s, t, r) for s in (0, 1) for t in range(50) for r in (0, 1)}
    assert len(seeds) == 200 and all(0 <= s < 2 ** 63 for s in seeds)


def test_any_network_that_returns_logits_will_do():
    network = dict(type='torch.nn.Conv2d', in_channels=1, out_channels=3, kernel_size=1)
    model = MODELS.build(dict(type='Segmentor', networks=dict(net=network), method=dict(type='supervised'),
                              losses=dict(sup=dict(type='cross_entropy'))))
    assert isinstance(model.networks['net'], nn.Conv2d)
    assert model.predict(torch.zeros(1, 1, 4, 4)).shape == (1, 3, 4, 4)
