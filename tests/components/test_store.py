import errno
import importlib
import json
import mmap
import multiprocessing
import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

from scarceseg.components.datasets import FolderDataset, PartsDataset
from scarceseg.components.datasets.cache import store_entries
from scarceseg.components.datasets.cache.contents import ContentHashes, code_key, hash_of
from scarceseg.components.datasets.cache.store import ENTRY, HASHES, DiskStore, StoredSample, file_key
from scarceseg.components.datasets.cache.store_entries import list_entries, remove_entry
from scarceseg.registry import TRANSFORMS, UserError

CLASSES = ('background', 'a', 'b', 'c')
SAMPLE = dict(name='a', image=np.arange(30000, dtype=np.float32).reshape(1, 100, 300), spacing_mm=(1.0, 2.0), tiny=np.arange(3),
              none=np.zeros(0, np.int64))


def parts(root, **settings):
    data = FolderDataset('ACDC/images', CLASSES, labels='ACDC/labels', split='ACDC/splits/train.txt', data_root=root)
    return PartsDataset(**{**dict(parts=dict(labeled=data), slices=True, cache='disk', store=root / 'store'), **settings})


def entries(root):
    return sorted(p.name for p in (root / 'store').iterdir() if p.is_dir())


def test_what_was_stored_comes_back_and_is_mapped(tmp_path):
    sample = DiskStore(tmp_path).get('key', lambda: SAMPLE)
    assert set(sample) == set(SAMPLE) and len(sample) == 5 and sample['name'] == 'a' and sample['spacing_mm'] == [1, 2]
    assert all(np.array_equal(sample[k], SAMPLE[k]) for k in ('image', 'tiny', 'none'))
    memory = sample['image']
    while isinstance(memory, np.ndarray):
        memory = memory.base
    assert isinstance(memory.obj if isinstance(memory, memoryview) else memory, mmap.mmap)
    assert all(np.load(sample.place / f'{k}.npy').tolist() == SAMPLE[k].tolist() for k in ('image', 'tiny', 'none'))
    with pytest.raises(ValueError, match='read-only'):
        sample['image'][0, 0, 0] = 1


def test_arrays_of_every_layout_come_back_as_they_are(tmp_path):
    arrays = dict(big=np.arange(6, dtype='>f4').reshape(2, 3), turned=np.asfortranarray(np.arange(6.).reshape(2, 3)),
                  steps=np.arange(20)[::2], flags=np.array([True, False]), number=np.array(3.5, np.float32),
                  empty=np.zeros((0, 4), np.int16), words=np.array(['a', 'bcd']))
    sample = DiskStore(tmp_path).get('key', lambda: dict(arrays, name='a', size=np.float32(2), list=[np.int64(1)]))
    for name, array in arrays.items():
        assert np.array_equal(sample[name], array)
        assert (sample[name].dtype, sample[name].shape) == (array.dtype, array.shape)
    assert sample['size'] == 2 and sample['list'] == [1]
    with pytest.raises(ValueError, match='Object arrays'):
        DiskStore(tmp_path).get('other', lambda: dict(name='b', objects=np.array([{}])))
    assert len(list(tmp_path.iterdir())) == 1


def test_thousands_of_samples_hold_no_file_open_and_travel_light(tmp_path):
    before = len(os.listdir('/proc/self/fd'))
    samples = [DiskStore(tmp_path).get(k, lambda: SAMPLE) for k in range(50)]
    assert all(s['image'][0, 0, 1] == 1 for s in samples)
    assert len(os.listdir('/proc/self/fd')) == before and len(pickle.dumps(samples[0])) < 1000


def test_reading_a_patch_touches_a_patch_of_the_file(tmp_path):
    """A file of 1 GB that is a hole could not be read as fast as its corner, nor held in memory by this test's limits."""
    place = tmp_path / 'store'
    sample = DiskStore(place).get('k', lambda: dict(name='a', image=np.ones((1, 8, 64, 64), np.float32)))
    file = sample.place / 'image.npy'
    header = np.lib.format.open_memmap(tmp_path / 'large.npy', 'w+', np.float32, (1, 512, 1024, 512))
    del header
    os.replace(tmp_path / 'large.npy', file)
    content = json.loads((sample.place / ENTRY).read_text())
    content['arrays']['image'] = [file.stat().st_size, 128, [1, 512, 1024, 512], '<f4']
    (sample.place / ENTRY).write_text(json.dumps(content))
    sample = StoredSample(sample.place)
    start = time.perf_counter()
    assert not np.array(sample['image'][:, 100:132, 300:348, 200:248]).any()
    assert time.perf_counter() - start < 0.3


def test_touching_a_file_does_not_store_it_anew_but_changing_a_byte_does(small_folder, monkeypatch):
    parts(small_folder)
    before = entries(small_folder)
    file = small_folder / 'ACDC/images/case0.nii.gz'
    os.utime(file, ns=(1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(FolderDataset, '__getitem__', lambda *_: pytest.fail('a stored case was read again'))
        parts(small_folder)
    assert entries(small_folder) == before and len(before) == 2
    content = bytearray(file.read_bytes())
    content[4] ^= 1  # the time stamp in gzip's header
    file.write_bytes(content)
    parts(small_folder)
    assert len(set(entries(small_folder)) - set(before)) == 1


def test_a_folder_that_was_moved_keeps_its_entries(small_folder, tmp_path):
    parts(small_folder)
    before = entries(small_folder)
    (small_folder / 'elsewhere').mkdir()
    os.rename(small_folder / 'ACDC', small_folder / 'elsewhere' / 'ACDC')
    parts(small_folder / 'elsewhere', store=small_folder / 'store')
    assert entries(small_folder) == before


def test_a_channel_that_may_be_missing_is_another_case_than_one_that_may_not(small_folder):
    folder = dict(images='ACDC/images', classes=CLASSES, data_root=small_folder)
    for missing in ('error', 'zeros'):
        data = parts(small_folder, parts=dict(labeled=FolderDataset(missing=missing, labels='ACDC/labels', **folder)))
        assert ('present' in data.cases['labeled'][0]) == (missing == 'zeros')


def test_a_setting_the_code_or_the_version_stores_anew(small_folder, monkeypatch):
    parts(small_folder)
    for settings in (dict(prepare=[dict(type='normalise')]), dict(prepare=[dict(type='clip_percentiles', low=2)]),
                     dict(slices=False),
                     dict(simulate=dict(labeled=[dict(type='simulate_dilation', radius=(1, 1))]))):
        before = len(entries(small_folder))
        parts(small_folder, **settings)
        assert len(entries(small_folder)) == before + 2, settings
    before = len(entries(small_folder))
    with monkeypatch.context() as patch:
        patch.setattr('scarceseg.components.datasets.cache.store.VERSION', 10 ** 6)
        parts(small_folder)
    assert len(entries(small_folder)) == before + 2
    with monkeypatch.context() as patch:
        patch.setattr('scarceseg.components.datasets.cache.contents.version', lambda _: '99.0')
        parts(small_folder)
    assert len(entries(small_folder)) == before + 4


def test_editing_a_transform_changes_the_key_of_its_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / 'of_my_own.py').write_text('def shift(sample, rng=None):\n    return sample\n')
    import of_my_own
    before = code_key(of_my_own.shift)
    assert code_key(of_my_own.shift) == before
    (tmp_path / 'of_my_own.py').write_text('def shift(sample, rng=None):\n    return dict(sample)\n')
    assert code_key(of_my_own.shift) != before


@pytest.mark.parametrize('edited', ['shift', 'helper', 'folder/constants', 'unrelated'])
def test_editing_what_a_transform_imports_changes_its_key_too(tmp_path, monkeypatch, edited):
    files = {'shift': 'from .helper import half\nfrom .folder import constants\ndef shift(s, rng=None):\n    return s\n',
             'helper': 'def half(x):\n    return x / 2\n', 'folder/__init__': '', 'folder/constants': 'A = 1\n',
             '__init__': '', 'unrelated': ''}
    package = tmp_path / f'mine_{edited.replace("/", "_")}'
    (package / 'folder').mkdir(parents=True)
    for name, text in files.items():
        (package / f'{name}.py').write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    shift = importlib.import_module(f'{package.name}.shift').shift
    before = code_key(shift)
    importlib.import_module(f'{package.name}.unrelated')
    assert code_key(shift) == before, 'what else was imported does not matter'
    (package / f'{edited}.py').write_text(files[edited] + '# edited\n')
    assert (code_key(shift) != before) == (edited != 'unrelated')


def test_the_code_of_a_simulator_and_of_the_formats_is_in_the_key():
    step = TRANSFORMS.build(dict(type='simulate_scribbles', num_classes=2))
    sources = code_key(step, *FolderDataset.__mro__)['sources']
    for module in ('simulators.scribbles', 'layouts.case_files', 'layouts.label_values', 'formats.nifti', 'formats.geometry'):
        assert sources[f'scarceseg.components.datasets.{module}']
    assert not [name for name in sources if not name.startswith('scarceseg.')]


@pytest.fixture
def count_hashes(monkeypatch):
    """The files that were hashed; memory trusts what is older than a moment ago."""
    calls = []
    monkeypatch.setattr('scarceseg.components.datasets.cache.contents.hash_of', lambda path: calls.append(path) or hash_of(path))
    monkeypatch.setattr('scarceseg.components.datasets.cache.contents.RECENT_S', -1)
    return calls


def test_a_file_is_hashed_once_and_again_when_it_changed(tmp_path, count_hashes, monkeypatch):
    file = tmp_path / 'a.bin'
    file.write_bytes(b'one')
    first = ContentHashes(tmp_path / HASHES).of(str(file))
    assert first == hash_of(file)
    for _ in range(2):  # a process that starts later reads it from the memory of the others
        assert ContentHashes(tmp_path / HASHES).of(str(file)) == first and len(count_hashes) == 1
    monkeypatch.setattr('scarceseg.components.datasets.cache.contents.RECENT_S', 60)
    file.write_bytes(b'two')
    assert ContentHashes(tmp_path / HASHES).of(str(file)) == hash_of(file) != first and len(count_hashes) == 2
    assert ContentHashes(tmp_path / HASHES).of(str(file)) and len(count_hashes) == 3, 'a file that is still warm is not trusted'


@pytest.mark.parametrize('how', ['written', 'renamed', 'linked'])
def test_another_file_of_the_same_size_and_date_in_its_place_is_noticed(tmp_path, count_hashes, how):
    file, other = tmp_path / 'a.bin', tmp_path / 'b.bin'
    for path, content in ((file, b'one'), (other, b'two')):
        path.write_bytes(content)
        os.utime(path, ns=(10 ** 18, 10 ** 18))
    first = ContentHashes(tmp_path / HASHES).of(str(file))
    if how == 'written':
        file.write_bytes(b'two')
        os.utime(file, ns=(10 ** 18, 10 ** 18))
    elif how == 'renamed':
        other.replace(file)
    else:
        file.unlink()
        file.symlink_to(other)
    assert file.stat().st_mtime_ns == 10 ** 18
    assert ContentHashes(tmp_path / HASHES).of(str(file)) == hash_of(file) != first


@pytest.mark.parametrize('name, header', [('a.mhd', 'NDims = 3\nElementDataFile = voxels 1.raw\n'),
                                          ('a.mhd', 'ElementDataFile = LIST\nvoxels 0.raw\nvoxels 1.raw\n'),
                                          ('a.mhd', 'ElementDataFile = voxels %d.raw 0 1 1\n'),
                                          ('a.nhdr', 'NRRD0004\r\nencoding: raw\r\ndata file: voxels 1.raw\r\n')])
def test_the_files_that_a_header_names_belong_to_its_content(tmp_path, name, header):
    for file, text in ((name, header), ('voxels 0.raw', 'a'), ('voxels 1.raw', 'b'), ('other.raw', 'c')):
        (tmp_path / file).write_text(text)
    hashes = ContentHashes(tmp_path / 'memory' / HASHES)
    before = hashes.of(str(tmp_path / name))
    (tmp_path / 'other.raw').write_text('d')
    assert '%' in header or hashes.of(str(tmp_path / name)) == before
    (tmp_path / 'voxels 1.raw').write_text('e')
    assert hashes.of(str(tmp_path / name)) != before


def test_lines_of_the_memory_that_were_cut_off_are_passed_over(tmp_path):
    file = tmp_path / 'a.bin'
    file.write_bytes(b'one')
    (tmp_path / HASHES).write_bytes(b'["/a", 3\n\n[1]\n{"a": 1}\nnull\n\xff\x00\xfe\n[[], 1, 2, 3, "x"]\n')
    assert ContentHashes(tmp_path / HASHES).of(str(file)) == hash_of(file)


def test_a_series_of_files_is_known_by_all_of_them(tmp_path):
    for k in range(3):
        (tmp_path / 'series').mkdir(exist_ok=True)
        (tmp_path / 'series' / f'{k}.dcm').write_bytes(bytes([k]))
    hashes = ContentHashes(tmp_path / 'memory')
    before = hashes.of(str(tmp_path / 'series'))
    (tmp_path / 'series' / '1.dcm').write_bytes(b'x')
    assert hashes.of(str(tmp_path / 'series')) != before


def _prepare(root, gate, results):
    gate.wait()
    data = parts(root)
    results.put([float(np.asarray(case['image'], np.float64).sum()) for case in data.cases['labeled']])


@pytest.mark.parametrize('method', ['fork', 'spawn'])
def test_two_trainings_may_prepare_the_same_cases_at_once(small_folder, method):
    context = multiprocessing.get_context(method)
    gate, results = context.Barrier(2), context.Queue()
    both = [context.Process(target=_prepare, args=(small_folder, gate, results)) for _ in range(2)]
    for process in both:
        process.start()
    sums = [results.get(timeout=60) for _ in both]
    for process in both:
        process.join()
    cases = parts(small_folder, cache='memory').cases['labeled']
    assert sums[0] == sums[1] == [float(c['image'].sum(dtype=np.float64)) for c in cases]
    assert len(entries(small_folder)) == 2 and not list((small_folder / 'store').glob('.writing_*'))


def test_a_slower_writer_gives_way(tmp_path):
    store = DiskStore(tmp_path)

    def make():
        DiskStore(tmp_path).get('k', lambda: dict(name='fast', image=np.zeros(2)))
        return dict(name='slow', image=np.ones(2))
    assert store.get('k', make)['name'] == 'fast' and [p.name for p in tmp_path.iterdir() if p.is_dir()] == [store.place('k').name]


def test_an_entry_that_goes_before_it_is_read_is_made_again(tmp_path, monkeypatch):
    store, made = DiskStore(tmp_path), []
    going = iter([True, False])
    monkeypatch.setattr('os.utime', lambda path: next(going) and remove_entry(path.parent))
    assert np.array_equal(store.get('k', lambda: made.append(1) or SAMPLE)['image'], SAMPLE['image']) and len(made) == 2


def test_an_entry_that_is_removed_and_written_while_it_is_removed_goes_as_a_whole(tmp_path, monkeypatch):
    place = DiskStore(tmp_path).get('k', lambda: SAMPLE).place
    listed = [place / 'image.npy']

    def seen(path, ours=store_entries.ours):
        return listed if path == place else ours(path)
    monkeypatch.setattr(store_entries, 'ours', seen)  # a list that was made while another process was removing it
    assert remove_entry(place) and not list(tmp_path.glob('.writing_*'))


@pytest.mark.parametrize('code', [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_store_that_cannot_be_written_is_used_if_complete_and_else_named_in_one_sentence(small_folder, monkeypatch, code):
    parts(small_folder)

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))
    for target in ('tempfile.mkdtemp', *['numpy.save'] * (code == errno.ENOSPC)):
        with monkeypatch.context() as patch:
            patch.setattr(target, refuse)
            patch.setattr('os.utime', refuse)
            if target == 'tempfile.mkdtemp':
                patch.setattr('os.open', refuse)
            data = parts(small_folder)
            assert data.cases['labeled'][0]['image'].shape == (1, 3, 36, 40)
            with pytest.raises(UserError, match=rf'case case\d .*store .*{os.strerror(code)}.*SCARCESEG_CACHE') as caught:
                parts(small_folder, prepare=[dict(type='normalise')])
        assert '\n' not in str(caught.value) and not list((small_folder / 'store').glob('.writing_*'))


def test_a_store_below_a_file_is_no_folder(small_folder):
    (small_folder / 'file').write_text('')
    with pytest.raises(UserError, match='cannot be kept in the store .*file/store'):
        parts(small_folder, store=small_folder / 'file' / 'store')


@pytest.mark.parametrize('damage', ['short', 'gone', 'words', 'empty', 'no entry'])
def test_a_damaged_entry_is_named_with_its_remedy(small_folder, damage):
    parts(small_folder)
    place = small_folder / 'store' / entries(small_folder)[0]
    if damage == 'short':
        (place / 'image.npy').write_bytes((place / 'image.npy').read_bytes()[:-5])
    elif damage == 'gone':
        (place / 'label.npy').unlink()
    elif damage == 'no entry':
        (place / ENTRY).unlink()
    else:
        (place / ENTRY).write_text('' if damage == 'empty' else '[1, 2]')
    with pytest.raises(UserError, match=f'{place.name} is damaged; remove that folder'):
        parts(small_folder)


def test_an_entry_that_goes_while_it_is_used_is_named(tmp_path):
    sample = DiskStore(tmp_path).get('k', lambda: SAMPLE)
    assert remove_entry(sample.place)
    with pytest.raises(UserError, match='removed while it was in use'):
        sample['image']


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UserError, match='nowhere.nii.gz cannot be read'):
        DiskStore(tmp_path).get(file_key(tmp_path / 'nowhere.nii.gz'), lambda: {})


def test_entries_are_listed_with_name_size_and_age(tmp_path):
    store = DiskStore(tmp_path)
    for name, days in (('a', 10), ('b', 50)):
        sample = store.get(name, lambda name=name: dict(SAMPLE, name=name))
        used = time.time() - days * 86400
        os.utime(sample.place / ENTRY, (used, used))
    found = list_entries(tmp_path)
    assert [(e.name, round(e.idle_days)) for e in found] == [('b', 50), ('a', 10)] and found[0].size_bytes > 120_000
    store.get('b', lambda: pytest.fail('made again'))
    assert list_entries(tmp_path)[-1].name == 'b' and list_entries(tmp_path)[-1].idle_days < 1


def test_nothing_that_is_not_ours_is_listed_or_removed(tmp_path):
    ours = DiskStore(tmp_path).get('k', lambda: SAMPLE).place
    strange = [tmp_path / name for name in ('0' * 32, '1' * 32, 'f' * 31, '2' * 32, '3' * 32)]
    for place in strange[:4]:
        place.mkdir()
        (place / 'image.npy').write_bytes(b'x')
    (strange[1] / ENTRY).write_text('{"owner": "somebody"}')
    for file in ours.iterdir():
        (strange[3] / file.name).write_bytes(file.read_bytes())
    (strange[3] / 'thesis.docx').write_text('years of work')
    strange[4].symlink_to(ours)
    (tmp_path / 'notes.txt').write_text('')
    assert [e.place for e in list_entries(tmp_path)] == [ours]
    assert not any(remove_entry(place) for place in strange) and all(p.exists() for p in strange)
    assert remove_entry(ours) and not ours.exists() and not remove_entry(ours)


def test_an_entry_that_may_not_be_removed_is_named(tmp_path, monkeypatch):
    ours = DiskStore(tmp_path).get('k', lambda: SAMPLE).place

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    monkeypatch.setattr('pathlib.Path.rename', refuse)
    with pytest.raises(UserError, match=f'{ours.name} cannot be removed .Permission denied'):
        remove_entry(ours)
    assert np.array_equal(StoredSample(ours)['image'], SAMPLE['image'])


def test_a_writer_that_is_killed_leaves_a_draft_and_no_entry(tmp_path):
    """The next process writes the entry; the draft stays until it is old enough to be nobody's."""
    code = ('import os, sys, numpy as np\nfrom scarceseg.components.datasets.cache import store\n'
            'def save(path, array):\n    path.write_bytes(b"half"); os.kill(os.getpid(), 9)\n'
            'store._save = save\nstore.DiskStore(sys.argv[1]).get("k", lambda: dict(name="a", image=np.zeros(9)))')
    assert subprocess.run([sys.executable, '-c', code, str(tmp_path)]).returncode == -9
    assert [p.name.startswith('.writing_') for p in tmp_path.iterdir()] == [True] and list_entries(tmp_path) == []
    assert DiskStore(tmp_path).get('k', lambda: SAMPLE)['image'].shape == (1, 100, 300)


def test_a_draft_is_ours_once_it_is_old(tmp_path):
    draft = tmp_path / '.writing_abc'
    draft.mkdir()
    (draft / 'image.npy').write_bytes(b'x')
    assert list_entries(tmp_path) == []
    for path in (draft / 'image.npy', draft):
        os.utime(path, (0, 0))
    assert [e.place for e in list_entries(tmp_path)] == [draft] and remove_entry(draft) and not draft.exists()
    assert list_entries(tmp_path / 'nowhere') == []
