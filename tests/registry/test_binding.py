import pytest
import torch
from mmengine.registry import Registry

from scarceseg.registry import LOSSES, NETWORKS, SCHEDULES, TRANSFORMS, UserError, bind, find_config, resolve
from scarceseg.registry.binding import nearest


def test_a_class_is_built_and_a_function_is_bound():
    network = NETWORKS.build(dict(type='UNet2D', in_channels=1, num_classes=2, channels=(4, 8)))
    assert isinstance(network, torch.nn.Module)
    loss = LOSSES.build(dict(type='soft_dice', smooth=1.0))
    assert loss.keywords == {'smooth': 1.0}
    assert 0 <= float(loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))) <= 1


@pytest.mark.parametrize('shelf, config, parts', [
    (NETWORKS, dict(type='Unet2D', in_channels=1, num_classes=2), ["'Unet2D'", "did you mean 'UNet2D'?", 'custom_imports']),
    (LOSSES, dict(type='cross_entrop'), ["did you mean 'cross_entropy'?", 'soft_dice']),
    (LOSSES, dict(type='soft_dice', smoth=1), ["no setting 'smoth'", "did you mean 'smooth'?"]),
    (NETWORKS, dict(type='UNet2D', in_channel=1, num_classes=2), ["did you mean 'in_channels'?"]),
    (NETWORKS, dict(type='UNet2D', in_channels=1), ["'num_classes'", 'needs a value']),
    (SCHEDULES, dict(type='sigmoid_rampup', stop=1), ["'length'", 'needs a value']),
    (TRANSFORMS, dict(size=3), ['dict(type=']),
    (NETWORKS, dict(type='torch.nn.Conv9d'), ["module 'torch.nn' has no 'Conv9d'", 'did you mean']),
    (NETWORKS, dict(type='no_such_package.Net'), ["'no_such_package.Net' cannot be imported", 'installed?']),
])
def test_a_slip_in_a_config_is_answered_in_one_sentence_with_the_nearest_match(shelf, config, parts):
    with pytest.raises(UserError) as caught:
        shelf.build(config)
    for part in parts:
        assert part in str(caught.value)
    assert '\n' not in str(caught.value)


def shelf_of(*components, **marks):
    shelf = Registry('thing', build_func=bind)
    for name, value in marks.items():
        setattr(shelf, name, value)
    for component in components:
        shelf.register_module(module=component)
    return shelf


def one(x, *, power=1):
    return x ** power


def total(x, *, of, weights=None):
    parts = of if isinstance(of, dict) else dict(enumerate(of)) if isinstance(of, list) else {0: of}
    return sum((weights or {}).get(k, 1) * f(x) for k, f in parts.items())


@pytest.mark.parametrize('of, value', [
    (dict(type='one', power=2), 9), ([dict(type='one'), dict(type='one', power=2)], 12),
    (dict(a=dict(type='one'), b=dict(type='total', of=dict(type='one', power=3))), 2 * 3 + 27)])
def test_settings_that_are_configs_are_bound_at_any_depth(of, value):
    shelf = shelf_of(one, total, nests=True)
    assert shelf.build(dict(type='total', of=of, weights=dict(a=2)))(3) == value


def test_a_slip_in_a_nested_config_is_found_before_anything_is_built():
    shelf = shelf_of(one, total, nests=True)
    with pytest.raises(UserError, match="did you mean 'power'"):
        resolve(dict(type='total', of=dict(b=dict(type='one', powr=3))), shelf)
    plain = shelf_of(one, total)
    assert resolve(dict(type='total', of=dict(type='nothing')), plain)[1] == dict(of=dict(type='nothing'))


def test_a_function_of_another_library_that_makes_a_network_is_called():
    network = NETWORKS.build(dict(type='torch.nn.utils.parametrizations.weight_norm', module=torch.nn.Linear(2, 2)))
    assert isinstance(network, torch.nn.Linear) and not NETWORKS.binds and LOSSES.binds


def test_whatever_another_library_raises_while_building_is_one_sentence():
    with pytest.raises(UserError, match='cannot be built with .*RuntimeError'):
        NETWORKS.build(dict(type='torch.nn.Linear', in_features=-1, out_features=1))


def test_tensors_cannot_be_set_in_a_config():
    with pytest.raises(UserError, match="no setting 'logits'"):
        LOSSES.build(dict(type='cross_entropy', logits=1))


def test_a_dotted_type_is_imported():
    assert isinstance(NETWORKS.build(dict(type='torch.nn.Identity')), torch.nn.Identity)


def test_what_is_mmengines_is_found_through_our_shelf():
    component, _ = resolve(dict(type='MomentumAnnealingEMA'), NETWORKS, complete=False)
    assert component.__name__ == 'MomentumAnnealingEMA'


def test_the_keys_of_a_class_that_passes_on_its_keywords_are_known_from_its_bases():
    class Base:
        def __init__(self, width):
            self.width = width

    class Child(Base):
        def __init__(self, depth, **kwargs):
            super().__init__(**kwargs)
            self.depth = depth
    shelf = Registry('thing', build_func=bind)
    shelf.register_module(module=Child)
    assert shelf.build(dict(type='Child', depth=1, width=2)).width == 2
    with pytest.raises(UserError, match="did you mean 'width'"):
        shelf.build(dict(type='Child', depth=1, widht=2))


@pytest.mark.parametrize('name', ['wsl/dmpls_acdc', 'dmpls_acdc', 'configs/wsl/dmpls_acdc.py'])
def test_a_shipped_config_is_found_by_name_from_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name).name == 'dmpls_acdc.py'


def test_a_config_by_path_wins_over_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / 'dmpls_acdc.py'
    own.write_text('a = 1')
    assert find_config('dmpls_acdc.py').resolve() == own


def test_an_unknown_config_is_answered_with_the_nearest_name():
    with pytest.raises(UserError, match=r"did you mean 'wsl/dmpls_acdc'\?"):
        find_config('wsl/dmpl_acdc')


def test_a_numbered_name_that_differs_in_digits_alone_is_no_slip():
    assert nearest('patient009_frame01', ['patient008_frame01', 'patient010_frame02'], numbered=True) == ''
    assert nearest('Patient009_frame01', ['patient009_frame01_C0'], numbered=True) == " (did you mean 'patient009_frame01_C0'?)"
    assert nearest('UNet1D', ['UNet2D']) == " (did you mean 'UNet2D'?)"
