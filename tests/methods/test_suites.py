"""Suites: what is written is checked, what is on disk decides what is to be done."""
import importlib
import re
import shutil

import pytest

from scarceseg.methods.prediction import MANIFEST
from scarceseg.methods.runs import LAST, RECORD, read_json, write_json
from scarceseg.methods.suites import Plan, load_suite, still_to_do
from scarceseg.methods.suites.folds import join_folds
from scarceseg.methods.suites.progress import training_progress
from scarceseg.methods.suites.reading import flat_options, make_suite, option_text
from scarceseg.registry import UserError
from scarceseg.registry.paths import shipped_configs, shipped_suites

CASES = dict(count=2, shape=(3, 32, 32))
TINY = {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2, 'transforms.0.size': (32, 32), 'model.networks.net.channels': (4, 8),
        'train_dataloader.dataset.parts.scribbled': CASES, 'train_dataloader.batch_sampler.parts.scribbled': 2,
        'val_dataloader.dataset.cases': CASES, 'test_dataloader.dataset.cases': CASES, 'visualizer.vis_backends': []}
PHANTOM = dict(config='wsl/partial_ce_phantom', name='partial CE', options=TINY)


def suite(*members, **settings):
    return make_suite(dict(name='small', members=list(members) or [PHANTOM], metrics=('dice',), **settings), 'small.py')


def do(plan, task, *, until=None):
    """Run the steps of a task in this process, up to a stage; returns the stages."""
    done = []
    while (step := plan.next_step(task)) is not None and step.stage != until:
        if step.remove:
            shutil.rmtree(step.remove)
        with pytest.raises(SystemExit) as stop:
            importlib.import_module(step.command[2]).main(step.command[3:])
            raise SystemExit(0)
        assert not stop.value.code and len(done) < 5
        done.append(step.stage)
    return done


@pytest.fixture(scope='module')
def done(tmp_path_factory):
    """The folder of a suite of which all is done."""
    plan = Plan(suite(), tmp_path_factory.mktemp('done') / 'suite')
    assert do(plan, plan.tasks[0]) == ['train', 'test', 'eval']
    return plan.folder


@pytest.fixture
def plan(done, tmp_path):
    """The plan of a copy of it."""
    shutil.copytree(done, tmp_path / 'suite')
    return Plan(suite(), tmp_path / 'suite')


def times(folder):
    return {p: p.stat().st_mtime_ns for p in folder.rglob('*') if p.is_file()}


def test_a_task_is_trained_tested_and_evaluated_and_then_nothing_is_left(plan, tmp_path):
    task, = plan.tasks
    assert (plan.result(task) / 'cases.csv').is_file() and task.key == 'partial_ce_seed0'
    before = times(plan.folder)
    again = Plan(suite(), tmp_path / 'suite')
    assert do(again, again.tasks[0]) == [] and times(plan.folder) == before
    assert still_to_do(again, again.tasks[0]) == 'done'


def test_what_was_asked_of_the_test_decides_what_is_left(plan, tmp_path):
    for settings, left in ((dict(test=dict(tta=True)), 'test, eval'), (dict(test=dict(checkpoint='best')), 'test, eval')):
        other = Plan(suite(**settings), tmp_path / 'suite')
        assert still_to_do(other, other.tasks[0]) == left
    written = dict(name='small', members=[PHANTOM])
    for metrics, left in ((('iou',), 'eval'), (('dice',), 'done'), (None, 'done'), (('brier',), 'test, eval')):
        other = Plan(make_suite(dict(written, metrics=metrics), 'small.py'), tmp_path / 'suite')
        assert still_to_do(other, other.tasks[0]) == left, metrics


def test_predictions_of_another_checkpoint_or_not_of_all_cases_do_not_count(plan):
    task, = plan.tasks
    manifest = plan.result(task).parent / MANIFEST
    content = read_json(manifest)
    for change in (dict(checkpoint_sha256='other'), dict(failed=['phantom_2000']), dict(cases=[])):
        write_json(manifest, {**content, **change})
        assert still_to_do(plan, task) == 'test, eval'
    write_json(manifest, {**content, 'cases': content['cases'][:1]})
    assert still_to_do(plan, task) == 'eval'  # they are complete, but what was evaluated are others


def test_a_training_that_was_killed_goes_on_and_one_without_checkpoint_starts_anew(tmp_path, monkeypatch):
    from scarceseg.methods.loop import MethodTrainLoop
    plan = Plan(suite(), tmp_path / 'suite')
    task, step = plan.tasks[0], MethodTrainLoop.run_iter

    def killed(self, batch):
        if self.iter == 1:
            raise KeyboardInterrupt
        step(self, batch)
    monkeypatch.setattr(MethodTrainLoop, 'run_iter', killed)
    command = plan.next_step(task).command[3:]
    with pytest.raises(SystemExit):
        importlib.import_module('scarceseg.tools.train').main(command)
    assert not (task.runs[0] / LAST).exists() and plan.next_step(task).remove == task.runs[0]
    monkeypatch.undo()
    assert do(plan, task, until='test') == ['train']
    record = read_json(task.runs[0] / RECORD)
    write_json(task.runs[0] / RECORD, {**record, 'status': 'running'})  # killed behind the last checkpoint
    assert still_to_do(plan, task) == 'go on with train, test, eval'
    changes = {'finished', 'peak_memory_mb'}  # of the end of the process that came last
    assert do(plan, task, until='test') == ['train']
    again = read_json(task.runs[0] / RECORD)
    assert all(again[key] == value for key, value in record.items() if key not in changes)


def test_a_run_that_is_another_is_neither_used_nor_touched(plan, tmp_path):
    before = times(plan.folder)
    for options, key in (({'train_cfg.max_iters': 3}, 'train_cfg'), ({'optim_wrapper.optimizer.lr': 1.0}, 'optim_wrapper')):
        with pytest.raises(UserError, match=f'trained with another {key}'):
            Plan(suite(dict(PHANTOM, options={**TINY, **options})), tmp_path / 'suite')
    Plan(suite(dict(PHANTOM, options={**TINY, 'default_hooks.logger.interval': 7})), tmp_path / 'suite')  # changes no result
    assert times(plan.folder) == before
    shutil.rmtree(plan.tasks[0].runs[0])
    plan.tasks[0].runs[0].mkdir()
    (plan.tasks[0].runs[0] / 'thesis.txt').write_text('precious')
    with pytest.raises(UserError, match='holds thesis.txt'):
        Plan(suite(), tmp_path / 'suite')


def myops(**member):
    options = {'train_cfg.max_iters': 2, 'train_cfg.val_interval': 2, 'transforms.0.size': (32, 32), 'visualizer.vis_backends': [],
               'model.networks.net.channels': (4, 8, 8), 'model.networks.net.dropout': 0.0}
    return suite(dict(dict(config='fsl/unet2d_myops', name='U-Net', folds=(1, 2), options=options), **member))


def test_two_folds_are_joined_so_that_each_case_is_judged_once(myops_folder, tmp_path):
    plan = Plan(myops(), tmp_path / 'suite', data=myops_folder)
    assert [t.key for t in plan.tasks] == ['u_net_seed0_fold1', 'u_net_seed0_fold2'] and not plan.ensembles
    assert [do(plan, task) for task in plan.tasks] == [['train', 'test', 'eval']] * 2
    results = [plan.result(task) for task in plan.tasks]
    rows, summary = join_folds(results, tmp_path / 'joined')
    cases = [(myops_folder / f'MyoPS/splits/fold{k}_valid.txt').read_text().split('\n') for k in (1, 2)]
    expected = [c for lines in cases for c in lines if c and not c.startswith('#')]
    assert list(dict.fromkeys(r['case'] for r in rows)) == expected and summary['mean']['cases'] == len(expected)
    facts = read_json(tmp_path / 'joined' / 'summary.json')
    assert [f['made_by']['cases'] for f in facts['folds']] == [[c for c in lines if c in expected] for lines in cases]
    with pytest.raises(UserError, match=f'case {expected[0]} is in several'):
        join_folds([results[0], results[0]], tmp_path / 'twice')


def test_folds_of_a_config_with_test_cases_are_judged_as_an_ensemble(myops_folder, tmp_path):
    (myops_folder / 'own.py').write_text(
        f'_base_ = {str(shipped_configs()["fsl/unet2d_myops"])!r}\n'
        "test_dataloader = dict(dataset=dict(type='CasesDataset', cases=dict(type='FolderDataset', data_root='data', "
        "images='test', labels='MyoPS/train25_myops_gd', channels=('_C0', '_DE', '_T2'), label_suffix='_gd', "
        'label_values=(0, 200, 500, 600, 1220, 2221))))\n')
    (myops_folder / 'test').mkdir()
    for file in (myops_folder / 'MyoPS' / 'train25').glob('*_105_*'):
        name = file.name.replace('105', '999')
        shutil.copy(file, myops_folder / 'test' / name)
        shutil.copy(myops_folder / 'MyoPS/train25_myops_gd/myops_training_105_gd.nii.gz',
                    myops_folder / 'MyoPS/train25_myops_gd/myops_training_999_gd.nii.gz')
    plan = Plan(myops(config=str(myops_folder / 'own.py')), tmp_path / 'suite', data=myops_folder)
    assert [do(plan, task) for task in plan.tasks] == [['train']] * 2
    ensemble, = plan.ensembles
    assert do(plan, ensemble) == ['test', 'eval'] and not plan.joined
    made_by = read_json(plan.result(ensemble) / 'summary.json')['made_by']
    assert made_by['cases'] == ['myops_training_999'] and len(made_by['ensemble']) == 2
    assert do(plan, ensemble) == []


@pytest.mark.parametrize('change, part', [
    (dict(member=[]), "unknown key 'member' (did you mean 'members'?)"), (dict(members=[]), 'has no members'),
    (dict(baseline='partial ce'), "(did you mean 'partial CE'?)"), (dict(test=dict(ttta=True)), "'ttta' (did you mean 'tta'?)"),
    (dict(test=dict(checkpoint='first')), "checkpoint='last' or 'best'"), (dict(metrics=('dise',)), "did you mean 'dice'?"),
    (dict(members=[PHANTOM, dict(PHANTOM, name='Partial-CE')]), 'differ from the others'), (dict(name='a/b'), 'names a folder'),
    (dict(members=[dict(PHANTOM, seed=1)]), "unknown key 'seed' (did you mean 'seeds'?)"),
    (dict(members=[dict(PHANTOM, seeds=3)]), 'different whole numbers from 0'),
    (dict(members=[dict(PHANTOM, seeds=(1, 1))]), 'different whole numbers from 0'),
    (dict(members=[dict(name='x')]), 'is written dict(config=…'),
    (dict(members=[dict(PHANTOM, options={'a': 'b, c'})]), 'command line')])
def test_a_slip_in_a_suite_is_answered_before_anything_starts(change, part):
    with pytest.raises(UserError) as error:
        make_suite({**dict(members=[PHANTOM]), **change}, 'small.py')
    assert part in str(error.value)


@pytest.mark.parametrize('member, part', [
    (dict(config='wsl/partial_ce_fantom'), "did you mean 'wsl/partial_ce_phantom'?"),
    (dict(options={**TINY, 'train_cfgs.max_iters': 3}), "did you mean 'train_cfg'?"), (dict(folds=(1, 2)), 'has no fold'),
    (dict(options={**TINY, 'model.method.type': 'supervized'}), "did you mean 'supervised'?"),
    (dict(options={**TINY, 'model.losses': {'sub': {'type': 'soft_dice'}}}), "did you mean 'sup'?")])
def test_a_slip_in_a_members_config_is_answered_before_anything_starts(member, part, tmp_path):
    with pytest.raises(UserError, match='suite small, partial CE') as error:
        Plan(suite({**PHANTOM, **member}), tmp_path)
    assert part in str(error.value)


def test_members_that_could_not_be_compared_are_refused_before_anything_starts(tmp_path):
    options = {**TINY, 'test_dataloader.dataset.cases': dict(CASES, first=7)}
    with pytest.raises(UserError, match='partial CE and other cannot be compared: they are judged by 2 and 2 cases that'):
        Plan(suite(PHANTOM, dict(PHANTOM, name='other', options=options)), tmp_path)


@pytest.mark.parametrize('value', [1, 0.5, 1e-5, True, None, 'ACDC/splits/train.txt', (1, 2), [[1, 2], (3, 'a')], (5,), 'two words',
                                   '1', {}, 'a,b', [True, None]])
def test_an_option_arrives_as_it_is_or_is_refused(value, tmp_path):
    from scarceseg.tools import train
    try:
        (key, _), = flat_options({'key': value}).items()
    except UserError:
        assert value in ('two words', '1', {}, 'a,b')
        return
    read = train.parser().parse_args(['config', '--cfg-options', f'{key}={option_text(value)}']).cfg_options['key']
    assert read == value and type(read) is type(value)


def test_nested_options_are_said_leaf_by_leaf():
    assert flat_options({'a': {'b': {'c': 1}, 'd.e': 2}, 'f': 3}) == {'a.b.c': 1, 'a.d.e': 2, 'f': 3}


@pytest.mark.parametrize('name', sorted(shipped_suites()))
def test_a_shipped_suite_is_read_and_its_members_are_configs_that_exist(name):
    from scarceseg.methods.suites.identity import member_config
    read = load_suite(name)
    assert read.name == name and name not in shipped_configs()
    for member in read.members:
        config = member_config(member.config, options=member.options, fold=member.folds[0] if member.folds else None)
        assert config.model.method.type


@pytest.mark.parametrize('data', ['acdc', 'acdc_cpu', 'la', 'la_cpu'])
def test_every_semi_supervised_method_that_needs_no_finished_run_is_in_the_suite_of_its_data(data):
    read = load_suite(f'ssl_{data}')
    configs = {name for name in shipped_configs() if re.fullmatch(rf'ssl/[a-z_]+?_{data}', name)} - {f'ssl/distillation_{data}'}
    assert {m.config for m in read.members} == configs and len(configs) == 11
    assert read.baseline == 'supervised' and read.test['tta'] and all(m.seeds == (0, 1, 2) for m in read.members)


def test_the_last_line_of_a_log_with_a_loss_tells_the_progress(tmp_path):
    line = ('2026/11/25 03:59:51 - mmengine - INFO - Iter(train) [ 40/500]  base_lr: 5.2e-04 lr: 5.2e-04  eta: {}  time: 0.2266  '
            'grad_norm: 0.3841  loss: 0.1085  loss_sup: 0.0670')
    file = tmp_path / 'train.log'
    assert training_progress(file) is None
    for eta in ('0:00:18', '1 day, 3:02:11'):
        file.write_text('x' * 9000 + line.format(eta) + '\nIter(val) [4/4]    val/dice/mean: 0.8999\n')
        assert training_progress(file) == ('40', '500', eta, '0.1085')
