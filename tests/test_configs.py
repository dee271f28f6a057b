"""Every shipped config is trained for two iterations, on generated data."""
import pytest

from scarceseg.methods.runs import LAST
from scarceseg.methods.training import train
from scarceseg.registry import load_config
from scarceseg.registry.paths import shipped_configs

CONFIGS = sorted(shipped_configs())
NAMED = {'wsl/dmpls_acdc', 'wsl/partial_ce_acdc', 'fsl/unet2d_acdc', 'wsl/dmpls_acdc_cpu', 'wsl/partial_ce_acdc_cpu',
         'fsl/unet2d_acdc_cpu', 'wsl/dmpls_phantom'}


def test_the_configs_that_were_promised_are_there():
    assert set(CONFIGS) >= NAMED


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_builds_and_runs_two_iterations(name, small_folder, tmp_path):
    config = load_config(name, options={'train_cfg.max_iters': 2})
    dataset = config.train_dataloader.dataset
    for cases in [*dataset.parts.values(), config.val_dataloader.dataset.cases]:
        if cases.type == 'PhantomDataset':
            cases.update(count=2, shape=(3, 48, 48))
    config.transforms[0].size = (48, 48)
    for part in config.train_dataloader.batch_sampler.parts:
        config.train_dataloader.batch_sampler.parts[part] = 2
    folder = train(config, root=tmp_path / 'runs', data=small_folder)
    assert (folder / LAST).is_file()


@pytest.mark.parametrize('name', CONFIGS)
def test_a_leaf_is_short_and_says_what_it_is(name):
    text = shipped_configs()[name].read_text(encoding='utf-8')
    assert text.startswith('"""') and len(text.splitlines()) <= 20


@pytest.mark.parametrize('name', ['wsl/dmpls_acdc', 'wsl/partial_ce_acdc', 'fsl/unet2d_acdc'])
def test_the_papers_settings_are_the_papers(name):
    config = load_config(name)
    assert config.train_cfg.max_iters == 20_000
    assert config.optim_wrapper.optimizer.type == 'Adam' and config.optim_wrapper.optimizer.lr == 1e-3
    assert config.transforms[0].size == (224, 224)
    if 'dmpls' in name:
        weight = config.model.weights.pseudo
        assert (weight.stop, weight.begin, weight.begin + weight.length) == (0.1, 2000, 15_000)
