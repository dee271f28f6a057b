"""Every shipped config is trained for two iterations, on generated data."""
import pytest

from scarceseg.components.networks.pretrained import Match
from scarceseg.methods import networks
from scarceseg.methods.runs import LAST
from scarceseg.methods.training import train
from scarceseg.registry import load_config
from scarceseg.registry.paths import shipped_configs

from .third_party import import_torchvision

CONFIGS = sorted(shipped_configs())
NAMED = {'wsl/dmpls_acdc', 'wsl/partial_ce_acdc', 'fsl/unet2d_acdc', 'wsl/dmpls_acdc_cpu', 'wsl/partial_ce_acdc_cpu',
         'fsl/unet2d_acdc_cpu', 'wsl/dmpls_phantom', 'fsl/unet2d_myops', 'fsl/hrnet_cataracts', 'fsl/unet3d_la_cpu',
         'fsl/unet2d_cxr_cpu', 'wsl/partial_ce_la_cpu', 'nll/ce_cxr_cpu'}


def test_the_configs_that_were_promised_are_there():
    assert set(CONFIGS) >= NAMED


@pytest.fixture
def data(small_folder, myops_folder, cadis_folder, la_folder, cxr_folder, monkeypatch):
    """A folder that holds a stand-in of every data set."""
    monkeypatch.setenv('SCARCESEG_CACHE', str(small_folder / 'cache'))
    return small_folder


@pytest.fixture
def without_weights(monkeypatch):
    """Networks that start from a trained run start from nothing here."""
    monkeypatch.setattr(networks, 'read_checkpoint', lambda path: {})
    monkeypatch.setattr(networks, 'load_matching', lambda *_, **__: Match([], [], [], []))


@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_builds_and_runs_two_iterations(name, data, tmp_path, without_weights):
    config = load_config(name, options={'train_cfg.max_iters': 2})
    for network in config.model.networks.values():
        if 'pretrained' in network:
            network.pretrained.checkpoint = str(tmp_path / LAST)
            (tmp_path / LAST).touch()
    if 'segmentation_models_pytorch' in config.pretty_text:
        import_torchvision()
        pytest.importorskip('segmentation_models_pytorch')
    dataset = config.train_dataloader.dataset
    for cases in [*dataset.parts.values(), config.val_dataloader.dataset.cases]:
        if cases.type == 'PhantomDataset':
            cases.update(count=2, shape=(3, 48, 48))
    if 'size' in config.transforms[0]:
        config.transforms[0].size = (64, 64)
    side = 64
    if dataset.get('patch'):
        side, dataset.patch = 32, (32, 32, 32)
        for network in config.model.networks.values():
            network.update(dict(img_size=dataset.patch, width=48, hidden=96, heads=6) if network.type == 'UNETR' else {})
    for inferer in config.inferer:
        if 'window' in inferer:
            inferer.window = [w and min(w, side) for w in inferer.window]
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.num_workers = 0
    for part in config.train_dataloader.batch_sampler.parts:
        config.train_dataloader.batch_sampler.parts[part] = 2
    folder = train(config, root=tmp_path / 'runs', data=data)
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


def test_myops_is_trained_as_by_pymics_authors():
    config = load_config('fsl/unet2d_myops')
    assert config.train_cfg.max_iters == 16_000 and config.optim_wrapper.optimizer.lr == 1e-3
    assert config.param_scheduler[0].gamma == 0.5 and config.param_scheduler[0].milestones == [3000, 6000, 9000, 12_000]
    assert config.transforms[0].size == (160, 160) and config.transforms[0].rotate_deg == 30


def test_cataract_videos_are_split_as_by_the_authors_and_all_values_are_of_a_class():
    config = load_config('fsl/hrnet_cataracts')
    cases = [config.train_dataloader.dataset.parts.labeled,
             *(config[f'{part}_dataloader'].dataset.cases for part in ('val', 'test'))]
    videos = [[int(folder[len('CaDIS/Video'):][:2]) for folder in c.images] for c in cases]
    assert [len(v) for v in videos] == [19, 3, 3] and sorted(sum(videos, [])) == list(range(1, 26))
    for c in cases:
        assert [f.replace('Images', 'Labels') for f in c.images] == list(c.labels)
        values = [v for entry in c.label_values for v in (entry if isinstance(entry, (list, tuple)) else [entry])]
        assert values == list(range(36)) and len(c.label_values) == len(config.classes) == 8
