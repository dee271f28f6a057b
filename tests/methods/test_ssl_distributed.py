"""Two processes that talk by gloo end with the same weights, running statistics and teachers."""
import os
import subprocess
import sys

import pytest
import torch

from scarceseg.methods.runs import LAST, read_checkpoint
from scarceseg.registry import find_config

CONFIG = """
_base_ = {base!r}
custom_imports = dict(imports=['witness'])
transforms = [dict(type='random_crop', size=(24, 24))]
model = dict(networks=dict({networks}))
train_dataloader = dict(batch_sampler=dict(parts=dict(labeled=2, unlabeled=2)))
optim_wrapper = dict(optimizer=dict(lr=0.01))
train_cfg = dict(max_iters=3, val_interval=2)
custom_hooks = [dict(type='Witness')]
visualizer = dict(vis_backends=[dict(type='CsvVisBackend')])
"""
WITNESS = """
import os

import torch
from mmengine.hooks import Hook

from scarceseg.registry import HOOKS


@HOOKS.register_module()
class Witness(Hook):
    '''What each process has before it validates, and after the last step.'''

    def note(self, runner):
        folder = os.environ['WITNESS']
        torch.save(runner.train_loop.segmentor.state_dict(), f'{folder}/{runner.iter}-{torch.distributed.get_rank()}.pth')

    def before_val_epoch(self, runner):
        self.note(runner)

    def after_train(self, runner):
        self.note(runner)
"""
TINY = 'dict(channels=(4, 8))'


def train_by_two(folder, data, config):
    (folder / 'witness.py').write_text(WITNESS)
    (folder / 'two.py').write_text(config)
    command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2', '-m', 'scarceseg.tools.train',
               str(folder / 'two.py'), '--data', str(data), '--work-dir', str(folder / 'run'), '--launcher', 'pytorch']
    done = subprocess.run(command, cwd=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280,
                          env={**os.environ, 'WITNESS': str(folder)})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize('name, networks', [
    ('mean_teacher', f'student={TINY}'), ('cps', f'first={TINY}, second={TINY}')], ids=['mean_teacher', 'cps'])
def test_both_processes_have_the_same_weights_statistics_and_teachers(small_folder, tmp_path, name, networks):
    """Each has seen its own half of every batch. Statistics are compared when they are used and when they are kept."""
    train_by_two(tmp_path, small_folder, CONFIG.format(base=str(find_config(f'ssl/{name}_acdc_cpu')), networks=networks))
    for iteration in (2, 3):
        one, two = (torch.load(tmp_path / f'{iteration}-{rank}.pth') for rank in (0, 1))
        assert one.keys() == two.keys() and any('running_var' in k for k in one)
        assert all(torch.equal(one[k], two[k]) for k in one), [k for k in one if not torch.equal(one[k], two[k])]
    kept = read_checkpoint(tmp_path / 'run' / LAST)['state_dict']
    assert all(torch.equal(kept[k], one[k]) for k in one)
    first = torch.load(tmp_path / '2-0.pth')
    assert any(not torch.equal(first[k], one[k]) for k in one if 'running_mean' in k)
    teacher = [k for k in one if k.startswith('networks.teacher') and 'running_mean' in k]
    assert bool(teacher) == (name == 'mean_teacher') and not any(torch.equal(first[k], one[k]) for k in teacher)
