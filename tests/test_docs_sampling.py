"""What docs/sampling.md says of simulators, settings and commands is so."""
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from scarceseg.components.datasets import PartBatchSampler, collate_parts
from scarceseg.methods.assembly import assemble
from scarceseg.registry import DATASETS, TRANSFORMS, load_config, use_data_root
from scarceseg.tools import clean_cache, simulate

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / 'docs' / 'sampling.md').read_text(encoding='utf-8')
ROWS = [line.split('|')[1:-1] for line in TEXT.splitlines() if line.startswith('| `simulate_')]


def test_the_table_names_every_simulator_with_all_its_settings():
    TRANSFORMS.import_from_location()
    found = {row[0].strip(' `'): re.findall(r'`(\w+)`', row[2]) for row in ROWS}
    known = {name: [p for p in inspect.signature(part).parameters if p not in ('sample', 'rng', 'seed')]
             for name, part in TRANSFORMS.module_dict.items() if name.startswith('simulate_')}
    assert found == known and len(found) > 8
    assert {f'simulate_{name}' for name in simulate.TYPES} == set(known), 'and the tool has them all'


def test_papers_in_the_table_are_those_of_the_code():
    for name, _, _, paper in ROWS:
        cited = re.findall(r'\[([A-Z]\w+ \d{4})\]', TRANSFORMS.get(name.strip(' `')).__doc__)
        assert cited == ([paper.strip()] if paper.strip() else [])


def test_the_example_gives_the_batch_that_it_asks_for(la_folder, monkeypatch, tmp_path):
    monkeypatch.setenv('SCARCESEG_CACHE', str(tmp_path / 'cache'))
    example = next(b for b in re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL) if b.startswith('_base_'))
    file = tmp_path / 'semi.py'
    file.write_text(example.replace("'../_base_/", f"'{ROOT.as_posix()}/configs/_base_/"))
    config = assemble(use_data_root(load_config(str(file)), str(la_folder)))
    dataset, settings = DATASETS.build(dict(config.train_dataloader.dataset)), dict(config.train_dataloader.batch_sampler)
    assert settings.pop('type') == 'PartBatchSampler' and list((tmp_path / 'cache').iterdir())
    batch = collate_parts([dataset[d] for d in PartBatchSampler(SimpleNamespace(dataset=dataset, seed=0), **settings).batch(0)])
    shapes = {part: tuple(content['image'].shape) for part, content in batch.items()}
    assert shapes == dict(labeled=(2, 1, 32, 48, 48), unlabeled=(4, 1, 32, 48, 48))
    assert 'label' in batch['labeled'] and 'label' not in batch['unlabeled'] and (batch['labeled']['label'] == 1).any()
    assert not set(batch['labeled']['name']) & set(batch['unlabeled']['name'])


def test_transforms_of_one_part_make_strong_views_of_unlabelled_images_alone(small_folder):
    exec(next(b for b in re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL) if b.startswith('transforms =')), written := {})
    config = load_config('ssl/mean_teacher_acdc_cpu')
    config.transforms, config.part_transforms = written['transforms'], written['part_transforms']
    config = assemble(use_data_root(config, str(small_folder)))
    dataset, parts = DATASETS.build(dict(config.train_dataloader.dataset)), dict(labeled=2, unlabeled=2)
    batch = collate_parts([dataset[d] for d in PartBatchSampler(SimpleNamespace(dataset=dataset, seed=0), parts).batch(0)])
    views = {part: sorted(k for k in content if k.startswith('image')) for part, content in batch.items()}
    assert views == dict(labeled=['image'], unlabeled=['image', 'image_strong1', 'image_strong2'])


@pytest.mark.parametrize('tool', [simulate, clean_cache])
def test_the_options_that_the_page_names_are_there(tool):
    name = tool.__name__.rpartition('.')[2]
    commands = re.findall(rf'tools/{name}\.py[^\n`]*', TEXT)
    help_text = tool.parser().format_help()
    assert commands and all(option in help_text for c in commands for option in re.findall(r'--[a-z][a-z-]*', c))


def test_links_lead_somewhere():
    links = re.findall(r'\]\(([^)]+)\)', TEXT)
    assert links and all((ROOT / 'docs' / link).exists() for link in links)
