"""The page on checking and preparing data says what the tools do."""
import re
import shlex
from pathlib import Path

import pytest

from scarceseg.components.datasets.checks import KINDS
from scarceseg.registry.paths import find_config
from scarceseg.tools import check_data, prepare

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / 'docs' / 'checks.md').read_text(encoding='utf-8')
COMMANDS = [shlex.split(line, comments=True) for line in re.findall(r'^python tools/(.*)$', TEXT, re.MULTILINE)]


def test_the_table_has_every_kind_with_its_level_in_its_order():
    rows = re.findall(r'^\| `([^`]+)` \| (\w+) \|', TEXT, re.MULTILINE)
    assert rows == [(kind, level) for kind, (level, _) in KINDS.items()]


@pytest.mark.parametrize('command', COMMANDS, ids=' '.join)
def test_a_command_of_the_page_is_one_that_its_tool_takes(command):
    tool = {'check_data.py': check_data, 'prepare.py': prepare}[command[0]]
    args = tool.parser().parse_args(command[1:])
    if tool is check_data and args.labels is None and not args.target.startswith('Dataset'):
        assert find_config(args.target).is_file()


def test_every_preparation_has_a_command():
    kinds = next(a for a in prepare.parser()._actions if a.dest == 'kind').choices
    assert {command[1] for command in COMMANDS if command[0] == 'prepare.py'} == set(kinds) and len(COMMANDS) > 10
