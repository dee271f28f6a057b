"""What docs/data.md says of formats and layouts is so."""
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from scarceseg.components.datasets.formats.images import FORMATS, load_image, open_volume, save_image
from scarceseg.registry import DATASETS, TRANSFORMS, UserError
from scarceseg.registry.binding import check_settings
from scarceseg.tools import split

TEXT = (Path(__file__).resolve().parent.parent / 'docs' / 'data.md').read_text(encoding='utf-8')
ROWS = [[cell.strip() for cell in line.strip('|').split('|')] for line in TEXT.splitlines() if line.startswith('| `.')]
LISTED = {end: row for row in ROWS for end in re.findall(r'`(\.[\w.]+)`', row[0])}
BLOCKS = {kind: re.findall(rf'```{kind}\n(.*?)```', TEXT, re.DOTALL) for kind in ('python', 'bash')}


def test_the_table_lists_exactly_the_endings_that_are_known():
    known = {end: into for form in FORMATS for end, into in form.endings.items() if end}
    assert sorted(LISTED) == sorted(known) and len(ROWS) > 5
    for end, into in known.items():
        told = LISTED[end][4]
        assert into == end if told == 'as the image' else into in told, end


@pytest.mark.parametrize('end', sorted(LISTED))
def test_what_the_table_says_of_reading_and_writing_is_so(tmp_path, end):
    _, _, lazy, written, _, extra = LISTED[end]
    if extra:
        pytest.importorskip('SimpleITK')
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    if written == 'no' or written.startswith('no:'):
        with pytest.raises(UserError, match='cannot be written|would be two files'):
            save_image(tmp_path / f'a{end}', array, None)
        return
    save_image(tmp_path / f'a{end}', array, None)
    assert np.array_equal(load_image(tmp_path / f'a{end}', label=True)[0], array)
    assert open_volume(tmp_path / f'a{end}', label=True).lazy == lazy.startswith('yes')


def components(value):
    """Every dict with a type in nested ones."""
    if isinstance(value, dict):
        if 'type' in value:
            yield value
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for child in value:
            yield from components(child)


def test_every_data_set_and_transform_of_the_examples_has_these_settings():
    seen = set()
    for block in BLOCKS['python'][1:]:
        for one in re.split(r'\n(?=\w)', block):  # a block gives cases several times
            names = {}
            exec(block if one.startswith('parts') else one, names)
            for config in components([v for k, v in names.items() if k != '__builtins__']):
                settings = {k: v for k, v in config.items() if k != 'type'}
                shelf = DATASETS if config['type'] in DATASETS.module_dict else TRANSFORMS
                check_settings(shelf.get(config['type']), settings, 'the example', complete=False, bound=shelf is TRANSFORMS)
                seen.add(config['type'])
    assert seen >= {'FolderDataset', 'NnUNetDataset', 'MSDDataset', 'SubsetDataset', 'reorient'}


def test_the_commands_of_the_examples_are_understood():
    commands = [shlex.split(line, comments=True) for block in BLOCKS['bash'] for line in block.splitlines()]
    assert len(commands) == 4
    for command in commands:
        assert command[:2] == ['python', 'tools/split.py'] and split.parser().parse_args(command[2:]).out
