"""Training as a whole, on small files in the layout of ACDC."""
import csv

import pytest
import torch

from scarceseg.methods.runs import BEST, LAST, read_checkpoint, read_json
from scarceseg.methods.training import train
from scarceseg.registry import UserError, load_config

TINY = {'transforms.0.size': (32, 32), 'train_cfg.val_interval': 2, 'default_hooks.logger.interval': 1,
        'default_hooks.checkpoint.interval': 1, 'log_processor.window_size': 1}


def small(name='wsl/dmpls_acdc_cpu', iterations=4, network=None, **options):
    config = load_config(name, options={**TINY, 'train_cfg.max_iters': iterations, **options})
    parts = config.train_dataloader.batch_sampler.parts
    for part in parts:
        parts[part] = 2
    for net in config.model.networks.values():
        if 'average_of' not in net:
            net.update(channels=(4, 8, 8))
    return config


def weights(folder, name=LAST):
    return read_checkpoint(folder / name)['state_dict']


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_a_run_leaves_checkpoints_config_log_and_curves(small_folder, tmp_path):
    folder = train(small(), root=tmp_path / 'runs', data=small_folder)
    assert folder == tmp_path / 'runs' / 'dmpls_acdc_cpu'
    assert {LAST, BEST, 'config.py', 'run.json', 'train.log', 'curves.csv', 'curves.png'} <= {p.name for p in folder.iterdir()}
    record = read_json(folder / 'run.json')
    assert record['status'] == 'finished' and record['iterations'] == 4 and record['seed'] == 0
    names = {row['name'] for row in csv.DictReader((folder / 'curves.csv').open())}
    assert {'train/loss', 'train/loss_sup', 'train/loss_pseudo', 'train/lr', 'val/dice/mean', 'val/dice/RV'} <= names
    assert (folder / 'curves.png').stat().st_size > 10_000
    assert load_config(str(folder / 'config.py')).train_cfg.max_iters == 4


def test_best_is_the_checkpoint_of_the_highest_validation_dice(small_folder, tmp_path):
    folder = train(small(iterations=6), root=tmp_path, data=small_folder)
    rows = [(float(r['value']), -int(r['iteration'])) for r in csv.DictReader((folder / 'curves.csv').open())
            if r['name'] == 'val/dice/mean']
    value, iteration = max(rows)
    best = read_checkpoint(folder / BEST)
    assert len(rows) == 3 and best['meta']['iter'] == -iteration
    assert best['message_hub']['runtime_info']['best_score'] == pytest.approx(value, abs=1e-6)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small_folder, tmp_path):
    one, two, other = (weights(train(small(), work_dir=tmp_path / f'r{k}', data=small_folder, seed=seed))
                       for k, seed in enumerate((5, 5, 6)))
    assert same(one, two) and not same(one, other)


def test_workers_change_nothing(small_folder, tmp_path):
    alone = train(small(), work_dir=tmp_path / 'a', data=small_folder)
    shared = train(small(**{'train_dataloader.num_workers': 2}), work_dir=tmp_path / 'b', data=small_folder)
    assert same(weights(alone), weights(shared))


@pytest.mark.parametrize('killed_at', [2, 3])
def test_a_resumed_run_ends_with_the_same_bytes_as_one_never_stopped(small_folder, tmp_path, monkeypatch, killed_at):
    """At 2 there is a validation, at 3 none. The killed run plans the whole schedule and stops in the middle of it."""
    options = {'model.networks.slow': dict(type='ExponentialMovingAverage', average_of='dual', momentum=0.1)}
    whole = train(small(iterations=5, **options), work_dir=tmp_path / 'whole', data=small_folder)

    from scarceseg.methods.loop import MethodTrainLoop
    step = MethodTrainLoop.run_iter

    def killed(self, batch):
        if self.iter == killed_at:
            raise KeyboardInterrupt
        step(self, batch)
    monkeypatch.setattr(MethodTrainLoop, 'run_iter', killed)
    with pytest.raises(KeyboardInterrupt):
        train(small(iterations=5, **options), work_dir=tmp_path / 'cut', data=small_folder)
    monkeypatch.undo()
    assert read_checkpoint(tmp_path / 'cut' / LAST)['meta']['iter'] == killed_at
    cut = train(small(iterations=5, **options), work_dir=tmp_path / 'cut', data=small_folder, resume=True)
    for name in (LAST, BEST):
        assert same(weights(whole, name), weights(cut, name))
    table = [[row for row in csv.reader((f / 'curves.csv').open()) if 'time' not in row[1]] for f in (whole, cut)]
    assert table[0] == table[1]


def test_a_run_is_never_overwritten_unasked(small_folder, tmp_path):
    first = train(small(iterations=1), root=tmp_path, data=small_folder)
    before = (first / LAST).read_bytes()
    second = train(small(iterations=1), root=tmp_path, data=small_folder)
    assert second.name == 'dmpls_acdc_cpu-2' and (first / LAST).read_bytes() == before
    with pytest.raises(UserError, match='already holds a run.*--resume'):
        train(small(iterations=1), work_dir=first, data=small_folder)


def test_a_finished_run_is_not_resumed(small_folder, tmp_path):
    folder = train(small(iterations=1), work_dir=tmp_path / 'r', data=small_folder)
    with pytest.raises(UserError, match='finished: 1 of 1 iterations.*load_from'):
        train(small(iterations=1), work_dir=folder, data=small_folder, resume=True)


def test_a_run_is_resumed_by_its_own_config_and_data_only(small_folder, tmp_path, monkeypatch):
    folder = train(small(iterations=1), work_dir=tmp_path / 'r', data=small_folder)
    before = (folder / 'config.py').read_bytes()
    for options, key in (({'model.weights.pseudo.stop': 0.3}, 'model'), ({'randomness.seed': 3}, 'randomness')):
        with pytest.raises(UserError, match=f'trained with another {key} than'):
            train(small(iterations=2, **options), work_dir=folder, data=small_folder, resume=True)
    assert (folder / 'config.py').read_bytes() == before
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    train(small(iterations=2), work_dir=folder, resume=True)  # without --data: that of the run
    assert read_checkpoint(folder / LAST)['meta']['iter'] == 2


def test_weights_of_another_network_are_no_start(small_folder, tmp_path):
    folder = train(small(iterations=1), work_dir=tmp_path / 'r', data=small_folder)
    config = small(iterations=1)
    config.load_from = str(folder / LAST)
    train(config, work_dir=tmp_path / 'again', data=small_folder)
    config = small('wsl/partial_ce_acdc_cpu', iterations=1)
    config.load_from = str(folder / LAST)
    with pytest.raises(UserError, match='does not fit the model'):
        train(config, work_dir=tmp_path / 'other', data=small_folder)


def test_the_schedule_ends_with_the_training(small_folder, tmp_path):
    """Linear in effect: the last of n iterations has a rate above zero, and far below the first's."""
    config = small(iterations=5, **{'param_scheduler.0.end': 1, 'param_scheduler.1.begin': 0})
    folder = train(config, work_dir=tmp_path / 'r', data=small_folder)
    rates = [float(r['value']) for r in csv.DictReader((folder / 'curves.csv').open()) if r['name'] == 'train/lr']
    assert len(rates) == 5 and 0 < rates[-1] < rates[1]


def test_merged_groups_take_the_same_steps(small_folder, tmp_path):
    merged = train(small(), work_dir=tmp_path / 'a', data=small_folder)
    config = small(**{'optim_wrapper.constructor': 'DefaultOptimWrapperConstructor'})
    single = train(config, work_dir=tmp_path / 'b', data=small_folder)
    one, two = weights(merged), weights(single)
    assert all(torch.allclose(one[k], two[k], atol=1e-5) for k in one)  # the norm that clips is summed in another order
    groups = [len(read_checkpoint(run / LAST)['optimizer']['param_groups']) for run in (merged, single)]
    assert groups[0] == 2 and groups[1] > 20


def test_a_folder_with_other_files_is_not_taken_for_a_run(small_folder, tmp_path):
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'config.py').write_text('precious')
    with pytest.raises(UserError, match='not empty'):
        train(small(), work_dir=tmp_path / 'mine', data=small_folder)
    assert (tmp_path / 'mine' / 'config.py').read_text() == 'precious'


def test_checkpoints_are_read_as_data_and_foreign_pickles_refused(small_folder, tmp_path):
    import os

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'pwned'),)
    torch.save({'state_dict': Evil()}, tmp_path / 'evil.pth')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    torch.save([1, 2], tmp_path / 'list.pth')
    for name, sentence in (('text.pth', 'is no checkpoint'), ('list.pth', 'holds a list')):
        with pytest.raises(UserError, match=sentence):
            read_checkpoint(tmp_path / name)
    (tmp_path / 'cut.pth').write_bytes((tmp_path / 'evil.pth').read_bytes()[:100])
    with pytest.raises(UserError, match='evil.pth holds more than tensors'):
        read_checkpoint(tmp_path / 'evil.pth')
    with pytest.raises(UserError, match='cut.pth cannot be read'):
        read_checkpoint(tmp_path / 'cut.pth')
    assert not (tmp_path / 'pwned').exists()


def test_a_teacher_is_in_the_checkpoint_as_it_is_after_the_step(small_folder, tmp_path):
    """The first update of an average copies its source: after one step both are equal."""
    options = {'model.networks.slow': dict(type='ExponentialMovingAverage', average_of='dual', momentum=0.1)}
    state = weights(train(small(iterations=1, **options), work_dir=tmp_path / 'r', data=small_folder))
    pairs = [(v, state[k.replace('slow.module', 'dual')]) for k, v in state.items() if k.startswith('networks.slow.module')]
    assert pairs and all(torch.equal(a, b) for a, b in pairs if a.is_floating_point())


MISTAKES = [
    ({'model.method.type': 'dmpl'}, "model.method: no method is called 'dmpl' .did you mean 'dmpls'"),
    ({'model.networks.dual.type': 'DualBranchUnet2D'}, "model.networks.dual: .*did you mean 'DualBranchUNet2D'"),
    ({'model.networks.dual.chanels': (4, 8)}, "no setting 'chanels' .did you mean 'channels'"),
    ({'model.losses.sup.ignore_indx': 4}, "model.losses.sup: .*did you mean 'ignore_index'"),
    ({'transforms.1.type': 'random_gama'}, "transforms.1: .*did you mean 'random_gamma'"),
    ({'prepare.0.lo': 3}, "no setting 'lo'"),
    ({'inferer.1.windw': 3}, "inferer.1: .*did you mean 'window'"),
    ({'train_dataloader.num_worker': 2}, "train_dataloader has no setting 'num_worker' .did you mean 'num_workers'"),
    ({'train_dataloader.dataset.slice': True}, "train_dataloader.dataset: .*did you mean 'slices'"),
    ({'train_dataloader.dataset.parts.scribbled.image': 'x'}, "dataset.parts.scribbled: .*did you mean 'images'"),
    ({'train_dataloader.batch_sampler.part': 2}, "batch_sampler: .*did you mean 'parts'"),
    ({'optim_wrapper.optimizer.type': 'AdamWW'}, "optim_wrapper.optimizer: .*did you mean 'AdamW'"),
    ({'optim_wrapper.optimizer.learning_rate': 1}, "optim_wrapper.optimizer: .*no setting 'learning_rate'"),
    ({'param_scheduler.1.pwer': 1}, "param_scheduler.1: .*did you mean 'power'"),
    ({'train_cfg.max_iter': 3}, "train_cfg: .*did you mean 'max_iters'"),
    ({'default_hooks.checkpoint.save_bst': 'x'}, "default_hooks.checkpoint: .*did you mean 'save_best'"),
    ({'val_evaluator.type': 'DiceMetrik'}, "val_evaluator: .*did you mean 'DiceMetric'"),
    ({'train_cfg.max_iters': 'abc'}, "max_iters='abc' must be a whole number"),
    ({'train_cfg.val_interval': 0}, 'val_interval=0 must be'),
    ({'train_dataloader.batch_sampler.parts.labeled': 0}, 'whole numbers of samples'),
    ({'train_dataloader.batch_size': 7}, 'batch_size=7 has no effect'),
    ({'prepare.1.type': 'random_noise'}, "'random_noise' is random and cannot be in prepare"),
    ({'train_dataloader.dataset.parts.scribbled.unannotated': 3}, 'unannotated=3 must be a whole number that is no class'),
    ({'model': 5}, 'has a dict there'),
    ({'model.networks.dual.num_classes': 3}, 'num_classes=3, but there are 4 classes'),
    ({'model.networks.dual.feature_dropout': 3}, "network 'DualBranchUNet2D' cannot be built.*between 0 and 1"),
    ({'model.weights.pseud': 1}, "weights.pseud.*did you mean 'pseudo'"),
    ({'model.weights.pseudo.type': 'sigmoid_ramp'}, "did you mean 'sigmoid_rampup'"),
]


@pytest.mark.parametrize('options, sentence', MISTAKES)
def test_a_slip_in_a_config_ends_in_one_sentence_and_leaves_no_run_behind(small_folder, tmp_path, options, sentence):
    with pytest.raises(UserError, match=sentence) as caught:
        config = small()
        config.merge_from_dict(load_config('wsl/dmpls_acdc_cpu', options=options) and options)
        train(config, root=tmp_path / 'runs', data=small_folder)
    assert '\n' not in str(caught.value) and not list((tmp_path / 'runs').glob('*'))


def test_an_unknown_key_that_resembles_a_known_one_is_refused(small_folder, tmp_path):
    config = small()
    config.optim_wraper = {}
    with pytest.raises(UserError, match="unknown key 'optim_wraper' .did you mean 'optim_wrapper'"):
        train(config, root=tmp_path / 'runs', data=small_folder)


def test_training_without_validation_keeps_the_last_checkpoint(small_folder, tmp_path):
    config = small(iterations=2)
    config.val_dataloader = None
    folder = train(config, root=tmp_path / 'runs', data=small_folder)
    assert (folder / LAST).is_file() and not (folder / BEST).exists()


def test_a_missing_data_folder_is_named_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match=r'nowhere.*ACDC.*--data'):
        train(small(), root=tmp_path / 'runs', data=tmp_path / 'nowhere')
    assert not list((tmp_path / 'runs').glob('*'))


def test_bfloat16_trains_on_a_cpu_and_keeps_weights_in_float32(small_folder, tmp_path):
    """What changes is the arithmetic of the passes: nearly the same weights, but not to the bit."""
    options = {'optim_wrapper.type': 'Bfloat16OptimWrapper'}
    half, again, full = (weights(train(small(**o), work_dir=tmp_path / str(k), data=small_folder))
                         for k, o in enumerate((options, options, {})))
    assert same(half, again) and not same(half, full)
    assert all(v.dtype != torch.bfloat16 and torch.isfinite(v).all() for v in half.values())
    assert all(torch.allclose(half[k], full[k], atol=0.05) for k in half if k.endswith('weight'))


def test_bfloat16_of_3d_convolutions_on_a_cpu_is_refused(la_folder, tmp_path):
    """PyTorch 2.13 on CPUs: the gradient of a 3x3x3 kernel on features of 2x3x3 voxels is not finite."""
    config = load_config('fsl/unet3d_la_cpu', options={'train_cfg.max_iters': 1, 'optim_wrapper.type': 'Bfloat16OptimWrapper'})
    with pytest.raises(UserError, match="does not train 3D convolutions on a CPU.*take type='OptimWrapper'"):
        train(config, work_dir=tmp_path / 'run', data=la_folder)


@pytest.mark.parametrize('size', [(1, 1), (2, 3), (8, 8), (5, 7)])
def test_bfloat16_gradients_of_2d_convolutions_are_those_of_float32(size):
    torch.manual_seed(0)
    image, out = torch.randn(8, 32, *size), torch.randn(8, 64, *size)
    conv = torch.nn.Conv2d(32, 64, 3, padding=1)
    gradients = []
    for half in (False, True):
        conv.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            result = conv(image.contiguous(memory_format=torch.channels_last))
        result.backward(out.to(result.dtype))
        gradients.append(conv.weight.grad.clone())
    assert float((gradients[0] - gradients[1]).norm() / gradients[0].norm()) < 0.01
