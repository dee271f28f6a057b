"""Whoever has only the wheel has everything."""
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """A wheel built from a copy of the files that git tracks, or of all where there is no git."""
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    listed = subprocess.run(['git', 'ls-files'], cwd=ROOT, capture_output=True, text=True).stdout.split()
    for name in listed or [str(p.relative_to(ROOT)) for p in ROOT.rglob('*') if p.is_file() and '.git' not in p.parts]:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', '.', '--no-deps', '--no-build-isolation', '-q', '-w', str(out)],
                   cwd=source, check=True, capture_output=True)
    return next(out.glob('*.whl'))


def test_the_wheel_holds_every_room_and_config_and_nothing_else(wheel):
    names = [n for n in zipfile.ZipFile(wheel).namelist() if '.dist-info' not in n]
    assert {n.split('/')[0] for n in names} == {'scarceseg'}
    assert {n.split('/')[1] for n in names} == {'registry', 'components', 'methods', 'tools', 'configs'}
    assert 'scarceseg/configs/wsl/dmpls_acdc.py' in names and 'scarceseg/configs/_base_/runtime.py' in names


def test_the_unpacked_wheel_finds_its_configs_and_starts_its_tools(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = ('import sys; sys.meta_path = [f for f in sys.meta_path if "editable" not in repr(f).lower()];'
            f'sys.path = [{str(tmp_path)!r}] + [p for p in sys.path if not p.startswith({str(ROOT)!r})];'
            'from scarceseg.registry import find_config; print(find_config("dmpls_acdc"));'
            'from scarceseg.tools.train import main; main(["--help"])')
    run = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert str(tmp_path) in run.stdout.splitlines()[0] and '--cfg-options' in run.stdout
