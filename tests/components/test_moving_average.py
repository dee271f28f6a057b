"""The average of a network."""
import pytest
import torch
from torch import nn

from scarceseg.components.networks import MovingAverage
from scarceseg.registry import UserError


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def floats(model):
    return {k: v.clone() for k, v in model.state_dict().items() if v.is_floating_point()}


def moved(model):
    """The model with other weights, and with other running statistics by a pass in training mode."""
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p))
    model.train()(torch.randn(2, 1, 8, 8, dtype=next(model.parameters()).dtype))
    return model


@pytest.mark.parametrize('decay', [0.0, 0.6, 0.99])
def test_weights_and_running_statistics_are_the_closed_form(decay):
    source = network()
    average, expected = MovingAverage(source, decay=decay), floats(source)
    for t in range(6):
        average.update_parameters(moved(source))
        alpha, new = min(1 - 1 / (t + 1), decay), floats(source)
        expected = {k: alpha * v + (1 - alpha) * new[k] for k, v in expected.items()}
        own = floats(average.module)
        assert all(torch.allclose(own[k], v, atol=1e-6) for k, v in expected.items())
    assert int(average.steps) == 6
    assert int(average.module[1].num_batches_tracked) == int(source[1].num_batches_tracked) == 6


@pytest.mark.parametrize('change', [
    lambda model: model.to(memory_format=torch.channels_last), lambda model: model.double(),
    lambda model: [setattr(p, 'data', p.data.clone()) for p in model.parameters()]])
def test_it_moves_after_its_tensors_were_replaced(change):
    """An average that remembers tensors of its beginning goes on moving those, and the network that predicts stands still."""
    source = network()
    average = MovingAverage(source)
    change(source), change(average)
    average.update_parameters(moved(source))  # the first step is copied
    assert all(torch.equal(a, b) for a, b in zip(source.state_dict().values(), average.module.state_dict().values()))


def test_it_answers_as_its_copy_and_has_nothing_to_train():
    source = network()
    average, image = MovingAverage(source), torch.randn(1, 1, 8, 8)
    assert torch.equal(average.eval()(image), source.eval()(image))
    assert not any(p.requires_grad for p in average.parameters()) and all(p.requires_grad for p in source.parameters())
    assert not any(a is b for a, b in zip(source.parameters(), average.parameters()))


@pytest.mark.parametrize('decay', [1.0, -0.1, 99])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(UserError, match='decay=.* must be in'):
        MovingAverage(network(), decay=decay)
