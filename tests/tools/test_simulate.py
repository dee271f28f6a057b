import json
import os
import time

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from scarceseg.components.datasets import FolderDataset
from scarceseg.components.datasets.cache.store import ENTRY
from scarceseg.components.datasets.simulators.folder import MANIFEST
from scarceseg.registry import TRANSFORMS
from scarceseg.tools import clean_cache, simulate

KINDS = {'dilation', 'erosion', 'distortion'}


def read(path):
    return np.asarray(nib.load(path).dataobj) if path.name.endswith('.gz') else np.asarray(Image.open(path))


def run(*arguments):
    simulate.main([str(a) for a in arguments])


@pytest.mark.parametrize('kind, settings', [
    ('scribbles', ()), ('boundary_scribbles', ('length=0.4',)), ('points', ('count=2',)), ('boxes', ('core=0.3',)),
    ('partial_slices', ('every=2',)), ('missing_classes', ('classes=[2]',)), ('markov_noise', ('steps=20',)),
    ('noise', ('radius=[1,3]',))])
def test_a_folder_of_labels_becomes_one_of_simulated_labels(kind, settings, small_folder, capsys):
    out = small_folder / 'made'
    options = ['--settings', *settings] if settings else []
    run(small_folder / 'ACDC/labels', '--out', out, '--type', kind, '--classes', 4, '--seed', 3, '--unannotated', 4, *options)
    manifest = json.loads((out / MANIFEST).read_text())
    assert sorted(manifest['cases']) == [f'case{k}' for k in range(4)] and manifest['seed'] == 3
    assert manifest['transform'] == f'simulate_{kind}' and capsys.readouterr().out.count('\n') == 6
    for name, entry in manifest['cases'].items():
        made, full = (nib.load(folder / f'{name}.nii.gz') for folder in (out, small_folder / 'ACDC/labels'))
        assert np.array_equal(made.affine, full.affine) and made.shape == full.shape and made.get_data_dtype() == np.uint8
        known = np.asarray(made.dataobj) != 4
        assert known.mean() == pytest.approx(entry['annotated'])
        assert (np.asarray(made.dataobj) != np.asarray(full.dataobj))[known].mean() == pytest.approx(entry['wrong'])
    assert not list(small_folder.glob('.writing_*'))


def test_the_files_are_what_a_data_set_simulates_by_itself(small_folder):
    run(small_folder / 'ACDC/labels', '--out', small_folder / 'made', '--type', 'dilation', '--classes', 4, '--seed', 5,
        '--settings', 'radius=[1,4]')
    full = FolderDataset('ACDC/images', tuple('abcd'), labels='ACDC/labels', data_root=small_folder)
    made = FolderDataset('ACDC/images', tuple('abcd'), labels='made', data_root=small_folder)
    step = TRANSFORMS.build(dict(type='simulate_dilation', radius=(1, 4), seed=5))
    assert all(np.array_equal(step(full[i])['label'], made[i]['label']) for i in range(4))


def test_noise_is_dealt_in_exact_shares_and_the_manifest_says_to_whom(cxr_folder):
    for k in range(6, 20):
        (cxr_folder / f'CXR/labels/cxr_{k:03d}.png').write_bytes((cxr_folder / 'CXR/labels/cxr_000.png').read_bytes())
    run(cxr_folder / 'CXR/labels', '--out', cxr_folder / 'made', '--type', 'noise', '--classes', 2, '--settings', 'radius=[2,3]')
    cases = json.loads((cxr_folder / 'made' / MANIFEST).read_text())['cases']
    counts = {kind: [e['kind'] for e in cases.values()].count(kind) for kind in KINDS}
    assert counts == dict(dilation=7, erosion=7, distortion=6)
    for name, entry in cases.items():
        made, full = (read(cxr_folder / folder / f'{name}.png') for folder in ('made', 'CXR/labels'))
        assert not np.array_equal(made, full)
        if entry['kind'] != 'distortion':
            assert (made >= full).all() if entry['kind'] == 'dilation' else (made <= full).all()


def test_a_rest_of_the_shares_stays_clean(cxr_folder):
    run(cxr_folder / 'CXR/labels', '--out', cxr_folder / 'made', '--type', 'noise', '--classes', 2, '--settings',
        'radius=[2,3]', 'kinds.erosion=0.5')
    cases = json.loads((cxr_folder / 'made' / MANIFEST).read_text())['cases']
    assert sorted(e['kind'] for e in cases.values()) == ['clean'] * 3 + ['erosion'] * 3
    assert all((e['wrong'] == 0) == (e['kind'] == 'clean') for e in cases.values())


def test_values_of_the_files_are_kept_and_a_split_list_chooses(cxr_folder):
    for path in (cxr_folder / 'CXR/labels').iterdir():
        Image.fromarray(read(path) * 255).save(path)
    run(cxr_folder / 'CXR/labels', '--out', cxr_folder / 'made', '--type', 'scribbles', '--classes', 2, '--values', 0, 255,
        '--unannotated', 100, '--split', cxr_folder / 'CXR/splits/valid.txt')
    assert sorted(p.name for p in (cxr_folder / 'made').iterdir()) == ['cxr_005.png', MANIFEST]
    assert set(np.unique(read(cxr_folder / 'made/cxr_005.png'))) == {0, 100, 255}


@pytest.mark.parametrize('changes, words', [
    (dict(labels='nowhere'), 'no folder'), (dict(labels='empty'), 'no label in'),
    (dict(out='ACDC'), 'is there already and is never'),
    (dict(classes=3), r'holds \[3\], but the classes are 0 to 2'), (dict(classes=None), '--classes is missing'),
    (dict(settings=['lenght=1']), "did you mean 'length'"), (dict(settings=['length=2.0']), 'must lie in'),
    (dict(split='odd.txt'), "'case9', listed in"), (dict(out='file/made'), 'cannot be written')])
def test_a_users_mistake_ends_in_one_sentence_and_writes_nothing(changes, words, small_folder, capsys):
    (small_folder / 'empty').mkdir()
    (small_folder / 'file').write_text('')
    (small_folder / 'odd.txt').write_text('case9\n')
    settings = {**dict(labels='ACDC/labels', out='made', classes=4), **changes}
    before = sorted(small_folder.rglob('*'))
    arguments = [small_folder / settings['labels'], '--out', small_folder / settings['out'], '--type', 'scribbles']
    arguments += ['--classes', settings['classes']] if settings['classes'] else []
    arguments += ['--split', small_folder / settings['split']] if 'split' in settings else []
    with pytest.raises(SystemExit) as stop:
        run(*arguments, *(['--settings', *settings['settings']] if 'settings' in settings else []))
    told = capsys.readouterr().err
    import re
    assert stop.value.code == 2 and re.search(words, told) and told.count('\n') == 1
    assert sorted(small_folder.rglob('*')) == before


def test_the_settings_of_a_type_can_be_asked_for(capsys):
    run('--type', 'markov_noise', '--help-settings')
    told = capsys.readouterr().out
    assert 'expand' in told and 'seed' in told


def test_the_cache_is_listed_and_cleaned_by_age_and_by_config(la_folder, capsys, monkeypatch):
    monkeypatch.setenv('SCARCESEG_CACHE', str(la_folder / 'store'))
    from scarceseg.methods.assembly import assemble
    from scarceseg.registry import DATASETS, load_config, use_data_root
    for name in ('fsl/unet3d_la_cpu', 'wsl/partial_ce_la_cpu'):
        config = assemble(use_data_root(load_config(name), str(la_folder)))
        DATASETS.build(dict(config.train_dataloader.dataset, cache='disk'))
    places = sorted(p for p in (la_folder / 'store').iterdir() if p.is_dir())
    assert len(places) == 1 + 3

    def clean(*arguments):
        clean_cache.main(list(arguments))
        return capsys.readouterr().out
    assert clean().count('ATRIUM') == 4 and '4 cases' in clean() and '--remove removes them' in clean()
    of_config = ('--config', 'fsl/unet3d_la_cpu', '--data', str(la_folder))
    assert clean(*of_config).count('ATRIUM00') == 1
    old = time.time() - 40 * 86400
    os.utime(places[1] / ENTRY, (old, old))
    assert '1 cases' in clean('--older-than', '30', '--remove') and not places[1].exists()
    clean(*of_config, '--remove')
    assert clean().count('ATRIUM') in (2, 3)
    assert 'removed' in clean('--remove') and not [p for p in (la_folder / 'store').iterdir() if p.is_dir()]
    assert '0 cases' in clean()
