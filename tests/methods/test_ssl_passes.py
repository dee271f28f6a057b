"""What semi-supervised methods ask of their networks: how often, with what, in which order, in 2D and 3D."""
import pytest
import torch
from torch import nn

from scarceseg.components.functional import entropy_of
from scarceseg.components.networks import dropout_active

from .ssl_references import Draws, Given, run
from .test_methods import RECIPES, all_parts, make_batch, parts_of, segmentor, terms_of

SEMI = [name for name in RECIPES if 'unlabeled' in parts_of(name)]
# calls of each network's encoder, and samples in all of them, of a batch of 2 labelled and 2 unlabelled images
WORK = {
    'entropy_minimization': dict(net=(1, 4)),
    'mean_teacher': dict(student=(1, 4), teacher=(1, 2)),
    'uamt': dict(student=(1, 4), teacher=(1, 2 * (1 + 2))),
    'urpc': dict(net=(1, 4)),
    'cct': dict(net=(1, 4)),
    'cps': dict(first=(1, 4), second=(1, 4)),
    'cross_teaching': dict(cnn=(1, 4), transformer=(1, 4)),
    'mcnet': dict(net=(1, 4)),
    'unimatch': dict(net=(2, 4 + 2 * 2)),
    'bcp': dict(student=(1, 2), teacher=(1, 2)),
    'distillation': dict(student=(1, 4), teacher=(1, 4)),
}


def inner(network):
    """A network, or that within an average."""
    return getattr(network, 'module', network)


@pytest.mark.parametrize('name', SEMI)
def test_every_image_goes_through_a_network_once_and_all_of_them_together(name):
    model = segmentor(name).train()
    seen = {key: [] for key in model.networks}
    for key, network in model.networks.items():
        inner(network).encoder.register_forward_pre_hook(lambda _, images, key=key: seen[key].append(len(images[0])))
    terms_of(model, all_parts(name))
    assert {key: (len(samples), sum(samples)) for key, samples in seen.items()} == WORK[name]


@pytest.mark.parametrize('name', ['cct', 'mcnet', 'unimatch', 'distillation', 'urpc'])
def test_decoders_are_asked_no_more_than_needed(name):
    """Auxiliary decoders of cct see unlabelled images alone; that of unimatch has two passes, of weak and strong views."""
    model, samples = segmentor(name).train(), {}
    for key, network in model.networks.items():
        for part, module in inner(network).named_modules():
            if type(module).__name__ == 'Decoder':
                counts = samples.setdefault(f'{key}.{part}', [])
                module.register_forward_pre_hook(lambda _, features, counts=counts: counts.append(len(features[0][0])))
    terms_of(model, all_parts(name))
    once = {'cct': {'net.decoder': [4], **{f'net.auxiliary_decoders.{k}': [2] for k in range(3)},
                    'net.auxiliary_decoders.3': [2] * 3},  # vat asks it twice for its direction
            'mcnet': {'net.decoders.0': [4], 'net.decoders.1': [4]}, 'unimatch': {'net.decoder': [2 + 2 + 2, 4]},
            'distillation': {'student.decoder': [4], 'teacher.decoder': [4]}, 'urpc': {'net.decoder': [4]}}
    assert samples == once[name]


def test_each_perturbation_of_cct_starts_from_the_clean_features():
    model, seen = segmentor('cct').train(), []
    net, clean = model.networks['net'], []
    net.encoder.register_forward_hook(lambda *call: clean.append([f.detach()[2:].clone() for f in call[2]]))
    for key, perturb in net._perturb.items():
        def noting(features, perturb=perturb, **settings):
            seen.append([f.detach().clone() for f in features])
            return perturb(features, **settings)
        net._perturb[key] = noting
    terms_of(model, all_parts('cct'))
    assert len(seen) == 4 and all(torch.equal(f, c) for features in seen for f, c in zip(features, clean[0]))


def test_perturbed_features_are_not_the_clean_ones():
    model = segmentor('cct').train()
    net, asked = model.networks['net'], []
    for decoder in net.auxiliary_decoders:
        decoder.register_forward_pre_hook(lambda _, f: asked.append(f[0][-1].detach()))
    features = net.encoder(all_parts('cct')['unlabeled']['image'])
    net.auxiliary(features)
    assert all(not torch.equal(f, features[-1]) for f in asked[:3])


@pytest.mark.parametrize('name, one, two', [('cps', 'first', 'second'), ('cross_teaching', 'cnn', 'transformer')])
def test_peers_are_equal_in_all_but_name_and_start_otherwise(name, one, two):
    model, batch = segmentor(name).eval(), all_parts(name)
    assert not all(torch.equal(a, b) for a, b in zip(model.networks[one].parameters(), model.networks[two].parameters()))
    terms = terms_of(model, batch)
    swapped = model.method({one: model.networks[two], two: model.networks[one]}, batch, model.losses)
    assert all(torch.allclose(terms[key], swapped[key], rtol=1e-6) for key in terms)


def test_decoders_of_mcnet_are_equal_in_all_but_place():
    draws = Draws((4, 6))
    outputs, batch = tuple(draws.logits(4) for _ in range(3)), draws.batch(2, 2)
    losses = dict(sup='dice_ce', consistency='mean_squared_error')
    terms, turned = (run('mcnet', dict(net=Given(order)), batch, losses) for order in (outputs, outputs[::-1]))
    assert all(torch.allclose(terms[key], turned[key], rtol=1e-6) for key in terms)


def test_answers_of_the_uamt_teacher_differ_by_dropout_even_in_evaluation():
    """Without noise, the first of them is followed, and the uncertainty is of the others."""
    model = segmentor('uamt').eval()
    teacher, answers, masks = model.networks['teacher'], [], []
    teacher.register_forward_hook(lambda *call: answers.append(call[2]))

    def consistency(prob, target, mask):
        masks.append(mask)
        return (prob - target).square().mean()
    model.method(model.networks, all_parts('uamt'), dict(model.losses, consistency=consistency), certain=0.9, noise=0.0)
    followed, one, two = answers[0].softmax(1).chunk(3)
    assert not torch.equal(followed, one) and not torch.equal(one, two)
    assert torch.equal(masks[0], entropy_of((one + two) / 2) < 0.9)
    assert not any(m.training for m in teacher.modules())
    with dropout_active(teacher):
        assert any(m.training for m in teacher.modules())


def test_the_mask_of_uamt_opens_as_training_goes_on():
    """The recipe's ramp of the threshold is from ¾ to 1 over ten iterations."""
    model, open_share = segmentor('uamt').train(), []
    losses = dict(model.losses, consistency=lambda p, q, mask: open_share.append(float(mask.float().mean())) or p.sum() * 0)
    for t in range(0, 12, 2):
        torch.manual_seed(0)
        model.method(model.networks, all_parts('uamt'), losses, certain=model.settings['certain'](t))
    assert open_share == sorted(open_share) and open_share[0] < open_share[-1] and open_share[-1] > 0.99


def in_3d(name):
    """A recipe's networks in 3D."""
    changed = {}
    for key, config in RECIPES[name]['networks'].items():
        own = {} if 'average_of' in config else dict(type=config['type'].replace('2D', '3D'))
        changed[key] = {**config, **own, **(dict(dims=3) if own and not own['type'].endswith('3D') else {})}
    return changed


def deep(batch):
    """Of 2D images volumes of four equal slices and one of noise."""
    def stack(value, axis):
        return torch.stack([value] * 4 + [value.flip(-1)], axis)
    return {part: {k: stack(v, 2 if k.startswith('image') else 1) if torch.is_tensor(v) else v for k, v in fields.items()}
            for part, fields in batch.items()}


@pytest.mark.parametrize('name', SEMI)
def test_volumes_go_forward_and_backward(name):
    model, batch = segmentor(name, networks=in_3d(name)).train(), deep(all_parts(name))
    assert batch['labeled']['image'].ndim == 5
    assert any(isinstance(m, nn.Conv3d) for m in model.modules()) and not any(isinstance(m, nn.Conv2d) for m in model.modules())
    terms = terms_of(model, batch)
    assert all(term.ndim == 0 and torch.isfinite(term) for term in terms.values())
    sum(terms.values()).backward()
    for key, network in model.networks.items():
        felt = [p.grad is not None and bool(p.grad.any()) for p in network.parameters()]
        assert any(felt) != (key == 'teacher'), key


@pytest.mark.parametrize('name', [name for name in SEMI if name != 'bcp'])
def test_labelled_and_unlabelled_parts_may_be_of_different_numbers(name):
    model = segmentor(name).train()
    more = {k: torch.cat([v, v[:1]]) for k, v in make_batch('unlabeled', seed=4)['unlabeled'].items() if torch.is_tensor(v)}
    terms = terms_of(model, {**make_batch('labeled'), 'unlabeled': more})
    assert all(torch.isfinite(term) for term in terms.values())
