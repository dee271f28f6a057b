"""The rooms stay what they are."""
import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ('registry', 'components', 'methods', 'tools')
FILES = [f for room in ROOMS for f in sorted((ROOT / room).rglob('*.py'))]


def imported(path):
    """Absolute names of the modules a file imports; relative ones are resolved against its room."""
    here = ('scarceseg', *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[:len(here) - node.level + 1] if node.level else ()
            yield '.'.join([*base, *([node.module] if node.module else [])])


def test_there_are_files_to_check():
    assert len(FILES) > 30


@pytest.mark.parametrize('room, forbidden', [
    ('registry', ('scarceseg.components', 'scarceseg.methods', 'scarceseg.tools', 'torch')),
    ('components', ('scarceseg.methods', 'scarceseg.tools')),
    ('methods', ('scarceseg.tools',))])
def test_no_room_imports_one_above_it(room, forbidden):
    wrong = [(f.name, name) for f in FILES if f.relative_to(ROOT).parts[0] == room for name in imported(f)
             if name.startswith(forbidden)]
    assert not wrong


def test_components_know_nothing_of_mmengine_but_the_rank_of_a_process():
    using = {f.name: name for f in FILES if 'components' in f.parts for name in imported(f) if name.startswith('mmengine')}
    assert using == {'samplers.py': 'mmengine.dist'}


def test_the_library_does_not_print():
    wrong = [f'{f.name}:{node.lineno}' for f in FILES if f.relative_to(ROOT).parts[0] != 'tools'
             for node in ast.walk(ast.parse(f.read_text(encoding='utf-8')))
             if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'print']
    assert not wrong


def test_functions_and_files_stay_small():
    """40 lines a function without its docstring, 200 or so a file, 75 a tool."""
    wrong = []
    for f in FILES:
        text = f.read_text(encoding='utf-8')
        limit = 75 if f.relative_to(ROOT).parts[0] == 'tools' else 220
        wrong += [f'{f.name}: {text.count(chr(10))} lines'] if text.count('\n') > limit else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno - (ast.get_docstring(node) or '').count('\n')
                wrong += [f'{f.name}:{node.name}: {length} lines'] if length > 40 else []
    assert not wrong


def test_what_is_registered_says_what_it_is():
    wrong = [f'{f.name}:{node.name}' for f in FILES for node in ast.walk(ast.parse(f.read_text(encoding='utf-8')))
             if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.decorator_list and not node.name.startswith('_')
             and any('register_module' in ast.unparse(d) for d in node.decorator_list) and not ast.get_docstring(node)]
    assert not wrong


def test_the_top_level_is_the_one_agreed_on():
    rooms = {'registry', 'components', 'methods', 'tools', 'configs', 'tests'}
    kept = {'setup.py', 'README.md', 'LICENSE', 'CHANGELOG.md', 'constraints.txt', 'pyproject.toml', '.gitignore', '.ci', '.git',
            'docs'}
    ignored = {'__pycache__', 'build', 'dist', 'work_dirs', 'data', '.venv', '.pytest_cache', '.ruff_cache', 'scarceseg.egg-info'}
    assert {p.name for p in ROOT.iterdir()} - ignored <= rooms | kept
