"""``tools/train.py`` with each network, for two iterations on the phantom."""
import json

import pytest

from scarceseg.methods.runs import LAST, read_checkpoint
from scarceseg.registry import find_config
from scarceseg.tools import train as train_tool

from ..components.test_networks_shelf import CASES, config, size_of

TEXT = """
_base_ = {base!r}
transforms = [dict(type='random_crop', size={size})]
inferer = []
train_cfg = dict(max_iters=2, val_interval=2)
train_dataloader = dict(dataset=dict(slices={slices}, parts=dict(scribbled=dict(count=2, shape={shape}))),
                        batch_sampler=dict(parts=dict(scribbled=2)))
val_dataloader = val_evaluator = val_cfg = None
model = dict(_delete_=True, networks=dict(net={network}), method=dict(type='supervised'),
             losses=dict(sup=dict(type='deep_supervision', loss=dict(type='dice_ce'))))
"""


@pytest.mark.parametrize('name, dims', CASES)
def test_a_network_trains_by_the_tool(name, dims, tmp_path):
    size = size_of(name, dims)
    network = dict(config(name, dims), in_channels=1, num_classes=4)
    (tmp_path / 'mine.py').write_text(TEXT.format(
        base=str(find_config('wsl/dmpls_phantom')), size=size, slices=dims == 2, network=network,
        shape=(3, 48, 48) if dims == 2 else (size[0], 48, 48)))
    train_tool.main([str(tmp_path / 'mine.py'), '--work-dir', str(tmp_path / 'run')])
    assert read_checkpoint(tmp_path / 'run' / LAST)['meta']['iter'] == 2
    assert json.loads((tmp_path / 'run' / 'run.json').read_text())['status'] == 'finished'
