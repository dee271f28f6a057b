"""Semi-supervised training as a whole, on small files: teachers, resumption, workers, distillation."""
import pytest
import torch

from scarceseg.methods.loop import MethodTrainLoop
from scarceseg.methods.runs import BEST, LAST, read_checkpoint
from scarceseg.methods.segmentor import Segmentor
from scarceseg.methods.training import train
from scarceseg.registry import MODELS, UserError, load_config

from .test_methods import all_parts, segmentor
from .test_training import same, small, weights

FAST = {'optim_wrapper.optimizer.lr': 0.05}


def part_of(state, prefix):
    """The entries of one network."""
    return {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Training without what takes most of the time here: formatting of the config, curves, report."""
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda text, **_: (text, True))
    monkeypatch.setattr('scarceseg.components.evaluators.curves.curves_figure', lambda *_: None)
    monkeypatch.setattr('scarceseg.methods.training.refresh_report', lambda *_: None)


@pytest.fixture
def steps(monkeypatch):
    """The state of the model after each step of a training."""
    states, step = [], MethodTrainLoop.run_iter

    def noting(self, batch):
        step(self, batch)
        states.append({k: v.clone() for k, v in self.segmentor.state_dict().items()})
    monkeypatch.setattr(MethodTrainLoop, 'run_iter', noting)
    return states


@pytest.mark.parametrize('decay', [0.99, 0.6])
def test_a_teacher_is_its_closed_form_after_every_step(small_folder, tmp_path, steps, decay):
    """``θ_t ← α θ_t + (1-α) θ_s`` with ``α = min(1 - 1/(t+1), decay)``: at 0.99 the mean of all students."""
    options = {'model.networks.teacher.decay': decay, **FAST}
    train(small('ssl/mean_teacher_acdc_cpu', iterations=5, **options), work_dir=tmp_path / 'r', data=small_folder)
    students, teachers = [[part_of(s, p) for s in steps] for p in ('networks.student.', 'networks.teacher.module.')]
    assert len(steps) == 5 and students[0].keys() == teachers[0].keys()
    trained = [k for k, v in students[0].items() if v.is_floating_point() and 'running' not in k]
    expected = {k: 0.0 for k in trained}
    for t, (student, teacher) in enumerate(zip(students, teachers)):
        alpha = min(1 - 1 / (t + 1), decay)
        expected = {k: alpha * expected[k] + (1 - alpha) * student[k].double() for k in trained}
        assert all(torch.allclose(teacher[k].double(), expected[k], atol=1e-6) for k in trained)
        assert all(torch.equal(teacher[k], student[k]) for k in student if k.endswith('num_batches_tracked'))
    if decay == 0.99:
        mean = {k: torch.stack([s[k].double() for s in students]).mean(0) for k in trained}
        assert all(torch.allclose(teachers[-1][k].double(), mean[k], atol=1e-6) for k in trained)
    assert all(bool(teachers[-1][k].any()) for k in trained if k.endswith('weight'))
    assert any(not torch.allclose(teachers[-1][k], students[-1][k], atol=1e-4) for k in trained)
    assert any('running_var' in k and not torch.equal(teachers[0][k], teachers[-1][k]) for k in teachers[0])


def test_a_teacher_starts_as_its_student_does_once_that_is_loaded(small_folder, tmp_path, monkeypatch):
    """From a file that the config names for the student: before the first step the teacher has its weights and statistics."""
    source = train(small('ssl/mean_teacher_acdc_cpu', iterations=2, **FAST), work_dir=tmp_path / 'source', data=small_folder)
    seen, step = [], MethodTrainLoop.run_iter

    def noting(self, batch):
        if self.iter == 0:
            seen.append({k: v.clone() for k, v in self.segmentor.state_dict().items()})
        step(self, batch)
    monkeypatch.setattr(MethodTrainLoop, 'run_iter', noting)
    loaded = dict(checkpoint=str(source / LAST), source='networks.student')
    config = small('ssl/mean_teacher_acdc_cpu', iterations=1, **{'model.networks.student.pretrained': loaded})
    train(config, work_dir=tmp_path / 'r', data=small_folder, seed=8)
    student, teacher = part_of(seen[0], 'networks.student.'), part_of(seen[0], 'networks.teacher.module.')
    assert same(student, teacher) and same(student, part_of(weights(source), 'networks.student.'))


def test_peers_start_with_different_weights(small_folder, tmp_path, steps):
    config = small('ssl/cps_acdc_cpu', iterations=1, **{'optim_wrapper.optimizer.lr': 0.0})
    train(config, work_dir=tmp_path / 'r', data=small_folder)
    first, second = (part_of(steps[0], f'networks.{name}.') for name in ('first', 'second'))
    kernels = [k for k, v in first.items() if v.ndim > 1]
    assert kernels and not any(torch.equal(first[k], second[k]) for k in kernels)


@pytest.mark.parametrize('name, options', [
    ('mean_teacher', {}), ('unimatch', {'model.method.confidence': 0.3}), ('bcp', {'model.method.alone.at': 2})])
def test_a_resumed_run_ends_with_the_same_bytes_as_one_never_stopped(small_folder, tmp_path, monkeypatch, name, options):
    """Killed after three of five steps, the second of which is validated; bcp goes over from labelled images alone before that."""
    def config():
        return small(f'ssl/{name}_acdc_cpu', iterations=5, **options)
    whole, step = train(config(), work_dir=tmp_path / 'whole', data=small_folder), MethodTrainLoop.run_iter

    def killed(self, batch):
        if self.iter == 3:
            raise KeyboardInterrupt
        step(self, batch)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MethodTrainLoop, 'run_iter', killed)
        train(config(), work_dir=tmp_path / 'cut', data=small_folder)
    assert read_checkpoint(tmp_path / 'cut' / LAST)['meta']['iter'] == 3
    cut = train(config(), work_dir=tmp_path / 'cut', data=small_folder, resume=True)
    for file in (LAST, BEST):
        assert same(weights(whole, file), weights(cut, file))
    teacher = part_of(weights(cut), 'networks.teacher.')
    assert ('teacher' in config().model.networks) == bool(teacher)
    assert not teacher or int(teacher['steps']) == 5


def test_workers_change_nothing_of_the_strong_views(small_folder, tmp_path):
    runs = [train(small('ssl/unimatch_acdc_cpu', **{'model.method.confidence': 0.3, 'train_dataloader.num_workers': n}),
                  work_dir=tmp_path / str(n), data=small_folder) for n in (0, 2)]
    assert same(*map(weights, runs))


def test_a_teacher_of_distillation_has_the_weights_of_the_mean_teacher_and_keeps_them(small_folder, tmp_path, steps):
    source = train(small('ssl/mean_teacher_acdc_cpu', iterations=3, **FAST), work_dir=tmp_path / 'source', data=small_folder)
    taught = part_of(weights(source), 'networks.teacher.module.')
    assert not same(taught, part_of(weights(source), 'networks.student.'))
    steps.clear()
    config = small('ssl/distillation_acdc_cpu', iterations=3, **FAST)
    config.model.networks.teacher.pretrained.checkpoint = str(source / LAST)
    assert config.model.networks.teacher.pretrained.source == 'networks.teacher.module' and config.model.networks.teacher.frozen
    config.model.networks.student.channels = (2, 4, 6)
    run = train(config, work_dir=tmp_path / 'run', data=small_folder)
    assert len(steps) == 3 and all(same(part_of(s, 'networks.teacher.'), taught) for s in steps)
    assert same(part_of(weights(run), 'networks.teacher.'), taught)  # running statistics too
    state = read_checkpoint(run / LAST)['optimizer']
    trained = sum(len(group['params']) for group in state['param_groups'])
    assert trained == sum(not k.endswith(('running_mean', 'running_var', 'num_batches_tracked'))
                          for k in part_of(weights(run), 'networks.student.'))


def test_a_distillation_is_resumed_without_the_file_of_its_teacher(small_folder, tmp_path):
    source = train(small('ssl/mean_teacher_acdc_cpu', iterations=1), work_dir=tmp_path / 'source', data=small_folder)

    def config(iterations):
        config = small('ssl/distillation_acdc_cpu', iterations=iterations)
        config.model.networks.teacher.pretrained.checkpoint = str(source / LAST)
        return config
    run = train(config(1), work_dir=tmp_path / 'run', data=small_folder)
    teacher = part_of(weights(run), 'networks.teacher.')
    (source / LAST).unlink()
    train(config(2), work_dir=run, data=small_folder, resume=True)
    assert read_checkpoint(run / LAST)['meta']['iter'] == 2 and same(part_of(weights(run), 'networks.teacher.'), teacher)


def test_a_distillation_without_its_teachers_file_says_so(small_folder, tmp_path):
    config = small('ssl/distillation_acdc_cpu', iterations=1)
    config.model.networks.teacher.pretrained.checkpoint = str(tmp_path / 'nowhere.pth')
    with pytest.raises(UserError, match='nowhere.pth'):
        train(config, work_dir=tmp_path / 'run', data=small_folder)


@pytest.mark.parametrize('name, network', [
    ('mean_teacher', 'teacher'), ('uamt', 'student'), ('bcp', 'student'), ('cross_teaching', 'cnn'), ('cps', 'first')])
def test_validation_uses_the_network_of_the_paper(name, network):
    assert MODELS.build(dict(load_config(f'ssl/{name}_acdc_cpu').model, type='Segmentor')).predict_name == network


def test_a_teacher_that_predicts_is_asked_in_validation(small_folder, tmp_path, monkeypatch):
    asked, plain = [], Segmentor.probabilities

    def noting(self, image):
        asked.append(self.predict_name)
        return plain(self, image)
    monkeypatch.setattr(Segmentor, 'probabilities', noting)
    train(small('ssl/mean_teacher_acdc_cpu', iterations=1), work_dir=tmp_path / 'r', data=small_folder)
    assert set(asked) == {'teacher'}


def test_frozen_networks_stay_in_evaluation_without_gradient():
    model = segmentor('distillation').train()
    assert model.networks['student'].training and not any(m.training for m in model.networks['teacher'].modules())
    assert not any(p.requires_grad for p in model.networks['teacher'].parameters())
    assert all(p.requires_grad for p in model.networks['student'].parameters())
    before = {k: v.clone() for k, v in model.networks['teacher'].state_dict().items()}
    model.iteration = 0
    sum(v for k, v in model(mode='loss', **all_parts('distillation')).items() if k.startswith('loss')).backward()
    assert same(before, model.networks['teacher'].state_dict())
    assert all(p.grad is None for p in model.networks['teacher'].parameters())
