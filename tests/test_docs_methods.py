"""What docs/methods.md says of methods, settings and configs is so."""
import inspect
import re
from pathlib import Path

import pytest

from scarceseg.methods.assembly import assemble
from scarceseg.methods.runs import LAST
from scarceseg.registry import METHODS, SCHEDULES, load_config, resolve
from scarceseg.registry.paths import shipped_configs
from scarceseg.tools import train as train_tool

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / 'docs' / 'methods.md').read_text(encoding='utf-8')
BLOCKS = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)
ROWS = [[cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:-1]] for line in TEXT.splitlines() if re.match(r'\| `\w+` ', line)]
PAPERS, NEEDS = ({row[0].strip('`'): row for row in ROWS if len(row) == length} for length in (4, 7))


def names(cell):
    return re.findall(r'`(\w+)`', cell)


def test_both_tables_name_the_methods_and_the_papers_are_those_of_the_code():
    METHODS.import_from_location()
    assert PAPERS.keys() == NEEDS.keys()
    for name, (_, _, _, paper) in PAPERS.items():
        assert re.findall(r'\[([A-Z]\w+ \d{4})\]', METHODS.get(name).__doc__) == paper.split(', '), name


@pytest.mark.parametrize('name', NEEDS)
def test_what_a_method_needs_is_what_it_declares(name):
    method, (_, networks, parts, losses, terms, settings, predicts) = METHODS.get(name), NEEDS[name]
    needs = method.needs
    assert [n for n in names(networks) if n in needs.networks] == list(needs.networks)
    assert tuple(names(parts)) == needs.parts and tuple(names(losses)) == needs.losses and tuple(names(terms)) == needs.terms
    assert names(settings) == [p for p in inspect.signature(method).parameters if p not in ('nets', 'batch', 'losses')]
    assert names(predicts)[0] in needs.networks


@pytest.mark.parametrize('name', NEEDS)
def test_weights_and_the_network_that_predicts_are_those_of_the_papers_config(name):
    _, networks, _, _, terms, settings, predicts = NEEDS[name]
    config = load_config(next(key for key in shipped_configs() if key.endswith(f'/{name}_acdc'))
                         if name != 'supervised' else 'ssl/supervised_acdc')
    weights = config.model.get('weights', {})
    written = re.findall(r'`(\w+)` ([\d.]+)( ↗)?', terms)
    assert {term: (float(n), bool(ramp)) for term, n, ramp in written} == {
        term: (w.stop, w.type.endswith('rampup')) if isinstance(w, dict) else (w, False) for term, w in weights.items()}
    assert names(predicts)[0] == config.model.get('predict', METHODS.get(name).needs.networks[0])
    assert ('heads=[0]' in predicts) == (config.model.get('heads') == [0])
    averages = [key for key, network in config.model.networks.items() if 'average_of' in network]
    assert [names(part)[0] for part in networks.split(';') if 'its average' in part] == averages


def test_the_examples_are_of_parts_that_exist():
    SCHEDULES.import_from_location()
    for text in BLOCKS[:3]:
        exec(text, values := {})
        config = load_config('ssl/uamt_acdc_cpu')
        for keys, node in ((('method', 'networks', 'weights'), config.model), (('transforms', 'part_transforms'), config)):
            for key in values.keys() & set(keys):
                node[key] = values[key]
        assemble(config)
    for schedule in re.findall(r"dict\(type='(\w+)', (?:start|stop|before)", BLOCKS[0]):
        resolve(dict(type=schedule), SCHEDULES, complete=False)


def test_ones_own_method_is_a_file_and_a_config_and_trains(small_folder, tmp_path, monkeypatch):
    method, config = (next(b for b in BLOCKS if b.startswith(f'# {start}')) for start in ('my_method.py', 'my_config.py'))
    assert len(method.splitlines()) + len(config.splitlines()) < 35
    (tmp_path / 'my_method.py').write_text(method, encoding='utf-8')
    (tmp_path / 'my_config.py').write_text(config.replace('/path/to/scarceseg/configs', (ROOT / 'configs').as_posix()))
    monkeypatch.chdir(small_folder)
    before = dict(METHODS.module_dict)
    try:
        train_tool.main([str(tmp_path / 'my_config.py'), '--data', '.', '--work-dir', str(tmp_path / 'run'), '--cfg-options',
                         'train_cfg.max_iters=2', 'transforms.0.size=[32,32]', 'model.networks.net.channels=[4,8]',
                         'default_hooks.logger.interval=1'])
    finally:
        METHODS.module_dict.clear()
        METHODS.module_dict.update(before)
    assert (tmp_path / 'run' / LAST).is_file()
    for file in ('train.log', 'curves.csv'):
        said = (tmp_path / 'run' / file).read_text()
        assert all(key in said for key in ('loss_sup', 'loss_consistency', 'term/consistency', 'weight/consistency')), file


def test_links_lead_somewhere():
    links = re.findall(r'\]\(([\w/.]+)\)', TEXT)
    assert links and all((ROOT / 'docs' / link).exists() for link in links)
