"""The step times of methods, and the arithmetic that they are held against."""
import re

import pytest
from torch.utils.flop_counter import FlopCounterMode

from scarceseg.registry import load_config
from scarceseg.tools import benchmark_methods


def implied(name):
    """The multiple that the arithmetic of a shipped config's step implies, with a small network on small images."""
    config = load_config(f'ssl/{name}_acdc_cpu', options={'transforms.0.size': (32, 32)})
    config.train_dataloader.batch_sampler.parts = dict(labeled=4, unlabeled=4)
    for network in config.model.networks.values():
        if 'average_of' not in network:
            network.update(channels=(4, 8, 8), dropout=0.1)
    counts = []
    for step in benchmark_methods.make_steps(config):
        with FlopCounterMode(display=False) as counter:
            step()
        counts.append(counter.get_total_flops())
    return counts[1] / counts[0]


@pytest.mark.parametrize('name, multiple', [
    ('entropy_minimization', 1), ('cps', 2),
    ('mean_teacher', 1 + 4 / (3 * 8)),  # a backward costs two forwards; the teacher sees half of the images, forward only
    ('uamt', 1 + 9 * 4 / (3 * 8)), ('bcp', (3 * 4 + 4) / (3 * 8))])
def test_no_forward_or_backward_is_in_excess_of_the_formula(name, multiple):
    assert implied(name) == pytest.approx(multiple, rel=0.02)  # the image itself needs no gradient


def test_the_tool_prints_a_row_for_each_config(capsys, tmp_path):
    (tmp_path / 'mine.py').write_text(
        f"_base_ = {str(load_config('ssl/cps_acdc_cpu').filename)!r}\ntransforms = [dict(type='random_crop', size=(16, 16))]")
    benchmark_methods.main([str(tmp_path / 'mine.py'), '--repeats', '3'])
    row = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r'\| `.*mine.py` \| \d+ \| \d+ \| \d+\.\d\d \| 2\.00 \| \d+\.\d\d \|', row)
