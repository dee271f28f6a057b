"""What README shows works."""
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scarceseg.registry import LOSSES, METHODS, METRICS, NETWORKS
from scarceseg.tools import test as test_tool
from scarceseg.tools import train as train_tool

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / 'README.md').read_text(encoding='utf-8')
BLOCKS = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)


def block(start):
    return next(b for b in BLOCKS if b.lstrip('# ').startswith(start))


def test_ones_own_network_is_a_file_and_a_config_and_works_from_anywhere(small_folder, tmp_path_factory, monkeypatch):
    project = tmp_path_factory.mktemp('project')
    network, config = block('my_network.py'), block('my_config.py')
    assert len(network.splitlines()) + len(config.splitlines()) < 30
    (project / 'my_network.py').write_text(network)
    (project / 'my_config.py').write_text(config.replace('/path/to/scarceseg/configs', str(ROOT / 'configs')))
    monkeypatch.chdir(small_folder)
    options = ['--cfg-options', 'train_cfg.max_iters=2', 'transforms.0.size=[32,32]']
    train_tool.main([str(project / 'my_config.py'), '--data', '.', *options])
    with pytest.raises(SystemExit) as stop:
        test_tool.main(['work_dirs/my_config'])
    assert stop.value.code == 0


def test_ones_own_loss_is_what_it_says():
    before = dict(LOSSES.module_dict)
    try:
        exec(block('from scarceseg.registry import LOSSES'), {})
        loss = LOSSES.build(dict(type='mean_absolute_error'))
        logits, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
        label[0] = 255
        expected = 1 - logits[1].softmax(0).gather(0, label[1][None]).mean()
        assert float(loss(logits, label)) == pytest.approx(float(expected), rel=1e-5)
    finally:
        LOSSES.module_dict.clear()
        LOSSES.module_dict.update(before)


@pytest.mark.parametrize('tool', ['train', 'test', 'eval', 'benchmark'])
def test_the_help_of_a_tool_answers_and_knows_the_options_that_readme_names(tool):
    command = [sys.executable, str(ROOT / 'tools' / f'{tool}.py'), '--help']
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    commands = re.findall(rf'tools/{tool}\.py[^\n`#]*', TEXT)
    named = {option for command in commands for option in re.findall(r'--[a-z-]+', command.split('&&')[0])}
    assert commands and all(option in text for option in named)


def test_every_file_and_config_that_readme_names_is_there():
    links = re.findall(r'\]\(([\w/.]+)\)', TEXT)
    configs = re.findall(r'configs/[a-z]+/\w+\.py', TEXT)
    assert links and configs and all((ROOT / name).exists() for name in links + configs)


@pytest.mark.parametrize('page, shelf, room', [
    ('losses.md', LOSSES, 'components'), ('networks.md', NETWORKS, 'components'), ('metrics.md', METRICS, 'components'),
    ('methods.md', METHODS, 'methods')])
def test_the_page_of_a_shelf_names_all_that_stands_on_it(page, shelf, room):
    shelf.import_from_location()
    table = re.findall(r'^\|([^|]*)\|', (ROOT / 'docs' / page).read_text(encoding='utf-8'), re.MULTILINE)
    named = {name for cell in table for name in re.findall(r'`(\w+)`', cell)}
    assert named == {name for name, part in shelf.module_dict.items() if part.__module__.startswith(f'scarceseg.{room}')}


def test_every_citation_in_the_code_has_a_reference():
    texts = [f.read_text(encoding='utf-8') for room in ('components', 'methods', 'configs') for f in (ROOT / room).rglob('*.py')]
    cited = {citation for text in texts for citation in re.findall(r'\[([A-Z][a-z]+) (\d{4})\]', text)}
    references = (ROOT / 'docs' / 'references.md').read_text(encoding='utf-8').splitlines()
    known = {(name, year) for name, year in cited if any(r.startswith(f'- {name},') and year in r for r in references)}
    assert len(cited) > 60 and not sorted(cited - known)
