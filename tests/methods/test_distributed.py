"""Two processes that talk by gloo, as torchrun starts them."""
import subprocess
import sys

import pytest
import torch

from scarceseg.methods.runs import LAST, read_checkpoint
from scarceseg.methods.visual import read_curves
from scarceseg.registry import find_config

CONFIG = """
_base_ = {base!r}
transforms = [dict(type='random_crop', size=(24, 24))]
model = dict(networks=dict(net=dict(channels=(4, 8), norm='instance')),
             losses=dict(sup=dict(_delete_=True, type='cross_entropy')))
train_cfg = dict(max_iters=3, val_interval=3)
"""


def start(command, config, work_dir, data):
    command = [*command, '-m', 'scarceseg.tools.train', str(config), '--data', str(data), '--work-dir', str(work_dir)]
    command += ['--launcher', 'pytorch'] if 'torch.distributed.run' in command else []
    return subprocess.Popen(command, cwd=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def curves(run):
    """Validation Dice at the end."""
    return read_curves(run / 'curves.csv')['val/dice/mean'][-1][1]


def test_two_processes_train_what_one_trains(small_folder, tmp_path):
    """A mean over equally many voxels on both sides is the mean over all; instance norm knows no batch."""
    config = tmp_path / 'crops.py'
    config.write_text(CONFIG.format(base=str(find_config('fsl/unet2d_acdc_cpu'))))
    two = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    started = [start([sys.executable], config, tmp_path / 'one', small_folder), start(two, config, tmp_path / 'two', small_folder)]
    for process in started:
        output, _ = process.communicate(timeout=280)
        assert process.returncode == 0, output
    one, both = (read_checkpoint(tmp_path / name / LAST)['state_dict'] for name in ('one', 'two'))
    assert one.keys() == both.keys()
    assert all(torch.allclose(one[k], both[k], atol=2e-4) for k in one)
    assert not (tmp_path / 'two-2').exists() and not (tmp_path / '.dist_test').exists()
    assert curves(tmp_path / 'one') == pytest.approx(curves(tmp_path / 'two'), abs=0.02)
