import pytest
import torch
from torch import nn

from scarceseg.components.functional.noise import normal_like
from scarceseg.components.functional.perturbations import feature_drop, feature_noise, frozen_statistics, virtual_adversarial
from scarceseg.components.networks import UNet, dropout_active

SHAPES = [(2, 4, 8, 9), (2, 6, 4, 5, 3)]


def maps(seed=0):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=g) for s in SHAPES]


def norm(x):
    return x.flatten(1).norm(dim=1)


def test_noise_of_strength_zero_changes_nothing_and_other_noise_stays_within_its_strength():
    for f, same, noisy in zip(maps(), feature_noise(maps(), strength=0.0), feature_noise(maps(), strength=0.3)):
        assert torch.equal(f, same)
        ratio = noisy / f
        assert ratio.min() >= 0.7 - 1e-5 and ratio.max() <= 1.3 + 1e-5 and ratio.std() > 0.1


def test_the_most_active_places_are_dropped_in_all_channels():
    """Activities 1, 2, 3, 4: from 0.7 of the largest on are 3 and 4."""
    f = torch.tensor([1.0, 2, 3, 4]).expand(1, 3, 4).reshape(1, 3, 2, 2)
    dropped, = feature_drop([f], interval=(0.7, 0.7))
    assert dropped[0, 0].flatten().tolist() == [1, 2, 0, 0] and torch.equal(dropped[0, 0], dropped[0, 2])
    for f, d in zip(maps(), feature_drop(maps())):
        kept = (d != 0).any(1).flatten(1)
        strongest = f.mean(1).flatten(1).argmax(1)
        assert not kept.gather(1, strongest[:, None]).any() and kept.any(1).all()


def test_the_adversarial_step_has_the_length_asked_for_and_beats_a_random_one():
    torch.manual_seed(0)
    decode = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.Tanh(), nn.Conv2d(6, 3, 1))

    def answer(f):
        return decode(f[0])
    f = [torch.randn(8, 4, 6, 6)]
    moved = virtual_adversarial(f, decode=answer, length=0.1)
    assert torch.allclose(norm(moved[0] - f[0]), 0.1 * norm(f[0]), rtol=1e-3)

    def change(g):
        with torch.no_grad():
            return (answer(g).log_softmax(1) - answer(f).log_softmax(1)).mul(-answer(f).softmax(1)).sum()
    random = torch.randn_like(f[0])
    random *= (0.1 * norm(f[0]) / norm(random)).view(-1, 1, 1, 1)
    assert change(moved) > 2 * change([f[0] + random])


def test_the_adversarial_direction_leaves_no_gradient_and_no_statistics_behind():
    network = UNet(1, 2, channels=(4, 6))
    features = network.encoder(torch.randn(2, 1, 8, 8))
    before = {k: v.clone() for k, v in network.decoder.state_dict().items()}
    moved = virtual_adversarial(features, decode=network.decoder)
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(v, before[k]) for k, v in network.decoder.state_dict().items())
    moved[0].sum().backward()
    assert all(p.grad is None for p in network.decoder.parameters())
    assert network.encoder.levels[0][0].weight.grad is not None
    network.decoder(features)
    assert any(not torch.equal(v, before[k]) for k, v in network.decoder.state_dict().items())


def test_normal_numbers_are_contiguous_for_maps_with_channels_innermost():
    """Otherwise torch draws them one by one, several times as long."""
    f = torch.zeros(2, 4, 8, 9).to(memory_format=torch.channels_last)
    drawn = normal_like(f)
    assert drawn.is_contiguous() and drawn.shape == f.shape and drawn.dtype == f.dtype and 0.9 < drawn.std() < 1.1


def test_a_feature_map_of_zeros_is_not_moved():
    f = [torch.zeros(1, 4, 3, 3)]
    moved = virtual_adversarial(f, decode=lambda g: g[0])
    assert torch.equal(moved[0], f[0])


def test_statistics_thaw_even_after_an_error():
    norm_layer = nn.BatchNorm2d(3)
    with pytest.raises(RuntimeError), frozen_statistics(norm_layer):
        raise RuntimeError
    norm_layer(torch.randn(2, 3, 4, 4))
    assert int(norm_layer.num_batches_tracked) == 1


def test_monte_carlo_dropout_drops_and_leaves_the_rest_in_its_mode():
    network = UNet(1, 2, channels=(4, 6), dropout=0.5).eval()
    image = torch.randn(1, 1, 8, 8)
    plain, state = network(image), {k: v.clone() for k, v in network.state_dict().items()}
    with dropout_active(network):
        assert not torch.equal(network(image), network(image))
        assert [type(m).__name__ for m in network.modules() if m.training] == ['Dropout'] * 3
    assert not any(m.training for m in network.modules()) and torch.equal(network(image), plain)
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
