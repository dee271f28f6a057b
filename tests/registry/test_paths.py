import subprocess
import sys
import textwrap

import pytest

from scarceseg.registry import UserError, load_config, use_data_root

OWN_NETWORK = '''
from torch import nn
from scarceseg.registry import NETWORKS

@NETWORKS.register_module()
class OwnNet(nn.Conv2d):
    pass
'''


def test_a_users_own_file_is_imported_from_any_working_directory(tmp_path):
    """In a process of its own, so that nothing stays registered here."""
    project, elsewhere = tmp_path / 'project', tmp_path / 'elsewhere'
    project.mkdir(), elsewhere.mkdir()
    (project / 'own_network.py').write_text(OWN_NETWORK)
    (project / 'own_config.py').write_text("custom_imports = dict(imports=['own_network'])\n")
    code = textwrap.dedent(f'''
        from scarceseg.registry import NETWORKS, load_config
        config = load_config({str(project / 'own_config.py')!r})
        print(NETWORKS.build(dict(type='OwnNet', in_channels=1, out_channels=2, kernel_size=1)).out_channels, config.import_paths)
    ''')
    out = subprocess.run([sys.executable, '-c', code], cwd=elsewhere, capture_output=True, text=True, check=True).stdout
    assert out.startswith('2 ') and str(project) in out


def test_a_missing_own_file_is_named_with_the_folders_searched(tmp_path):
    (tmp_path / 'c.py').write_text("custom_imports = ['no_such_module_of_mine']\n")
    with pytest.raises(UserError, match='no_such_module_of_mine.*looked in'):
        load_config(str(tmp_path / 'c.py'))


def test_a_syntax_error_names_file_and_line(tmp_path):
    (tmp_path / 'c.py').write_text('a = 1\nb = = 2\n')
    with pytest.raises(UserError, match=r'c\.py, line 2'):
        load_config(str(tmp_path / 'c.py'))


def test_a_missing_base_is_named(tmp_path):
    (tmp_path / 'c.py').write_text("_base_ = ['./nowhere.py']\n")
    with pytest.raises(UserError, match='nowhere'):
        load_config(str(tmp_path / 'c.py'))


def test_an_option_for_a_key_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="no key 'train_cfgs' .did you mean 'train_cfg'"):
        load_config('wsl/dmpls_acdc', options={'train_cfgs.max_iters': 3})


def test_options_are_merged_over_the_bases():
    assert load_config('wsl/dmpls_acdc', options={'train_cfg.max_iters': 3}).train_cfg.max_iters == 3


def test_the_data_folder_comes_from_the_argument_then_the_environment_then_the_config(tmp_path, monkeypatch):
    def root():
        return load_config('wsl/dmpls_acdc')

    def where(config):
        return config.train_dataloader.dataset.parts.scribbled.data_root
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('SCARCESEG_DATA', raising=False)
    assert where(use_data_root(root())) == str(tmp_path / 'data')
    monkeypatch.setenv('SCARCESEG_DATA', str(tmp_path / 'env'))
    assert where(use_data_root(root())) == str(tmp_path / 'env')
    config = use_data_root(root(), tmp_path / 'given')
    assert where(config) == str(tmp_path / 'given')
    assert config.val_dataloader.dataset.cases.data_root == str(tmp_path / 'given')
