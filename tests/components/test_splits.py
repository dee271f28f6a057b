import errno
import hashlib
import itertools
import os

import pytest

from scarceseg.components.datasets.layouts.patients import likely_relatives, patients_in_table, patients_of
from scarceseg.components.datasets.layouts.split_lists import read_notes, read_split, split_hash, write_lists
from scarceseg.components.datasets.layouts.splits import (
    fold_lists,
    k_folds,
    labeled_lists,
    labeled_share,
    split_cases,
)
from scarceseg.registry import UserError

NAMES = [f'patient{p:02d}_{k}' for p in range(11) for k in range(1 + p % 3)]
PATIENTS = [n.split('_')[0] for n in NAMES]
SHARES = {'train': 0.7, 'valid': 0.1, 'test': 0.2}


def people(names):
    return {n.split('_')[0] for n in names}


@pytest.mark.parametrize('folds', [2, 3, 5, 11])
def test_every_case_is_validated_once_and_trained_on_in_all_other_folds(folds):
    pairs = k_folds(NAMES, folds=folds, seed=0, groups=PATIENTS)
    assert len(pairs) == folds and sorted(itertools.chain(*(valid for _, valid in pairs))) == sorted(NAMES)
    for train, valid in pairs:
        assert sorted(train + valid) == sorted(NAMES) and train and valid
        assert [n for n in NAMES if n in train] == train


@pytest.mark.parametrize('folds', [2, 3, 5, 11])
def test_a_patient_is_on_one_side_and_folds_differ_by_one_patient_at_most(folds):
    sizes = []
    for train, valid in k_folds(NAMES, folds=folds, seed=3, groups=PATIENTS):
        assert not people(train) & people(valid)
        sizes.append(len(people(valid)))
    assert max(sizes) - min(sizes) <= 1 and sum(sizes) == 11


def test_without_groups_every_case_stands_for_itself():
    sizes = [len(valid) for _, valid in k_folds(NAMES, folds=4, seed=0)]
    assert max(sizes) - min(sizes) <= 1


def test_the_split_depends_on_names_and_seed_alone():
    one = k_folds(NAMES, folds=3, seed=0, groups=PATIENTS)
    other = k_folds(NAMES[::-1], folds=3, seed=0, groups=PATIENTS[::-1])
    assert [(set(a), set(b)) for a, b in one] == [(set(a), set(b)) for a, b in other]
    assert one == k_folds(NAMES, folds=3, seed=0, groups=PATIENTS) != k_folds(NAMES, folds=3, seed=1, groups=PATIENTS)


@pytest.mark.parametrize('settings, sentence', [
    (dict(names=['a', 'b'], folds=3), '2 cases cannot be split into 3 folds'),
    (dict(names=['a', 'b', 'c'], folds=3, groups=['x', 'x', 'y']), '2 groups of cases cannot be split into 3'),
    (dict(names=['a', 'b'], folds=1), 'choose a number from 2 to 2'),
    (dict(names=['a', 'a'], folds=2), '2 names, 1 of them different'),
    (dict(names=['a', 'b'], folds=2, groups=['x']), 'and 1 groups')])
def test_what_cannot_be_split_is_said(settings, sentence):
    names = settings.pop('names')
    with pytest.raises(UserError, match=sentence):
        k_folds(names, seed=0, **settings)


@pytest.mark.parametrize('seed', range(5))
def test_shares_are_met_by_patients_and_no_patient_straddles(seed):
    parts = split_cases(NAMES, shares=SHARES, seed=seed, groups=PATIENTS)
    assert sorted(itertools.chain(*parts.values())) == sorted(NAMES) and list(parts) == list(SHARES)
    assert [len(people(names)) for names in parts.values()] == [8, 1, 2]  # 7.7, 1.1 and 2.2 of eleven patients
    assert sum(len(people(names)) for names in parts.values()) == 11
    assert parts == {p: [n for n in NAMES if n in names] for p, names in parts.items()}


@pytest.mark.parametrize('count, expected', [(100, [70, 10, 20]), (10, [7, 1, 2]), (3, [1, 1, 1]), (4, [2, 1, 1]), (5, [3, 1, 1])])
def test_every_part_has_a_case_and_the_whole_numbers_nearest_to_its_share(count, expected):
    parts = split_cases([f'c{k}' for k in range(count)], shares=SHARES, seed=0)
    assert [len(names) for names in parts.values()] == expected


@pytest.mark.parametrize('names, shares, sentence', [
    ('ab', SHARES, r'2 cases cannot be split into 3 parts \(train, valid, test\)'),
    ('abcd', {'train': 0.7, 'valid': 0.2}, r'the shares train=0.7, valid=0.2 must be above 0 and 1 together, but make 0.9'),
    ('abcd', {'train': 1.5, 'valid': -0.5}, 'must be above 0'), ('abcd', {}, 'must be above 0'),
    ('aab', {'train': 1.0}, '3 names, 2 of them different')])
def test_shares_that_cannot_be_are_said(names, shares, sentence):
    with pytest.raises(UserError, match=sentence):
        split_cases(list(names), shares=shares, seed=0)


def test_a_larger_labelled_share_holds_the_smaller_and_patients_stay_whole():
    before = set()
    for share, count in ((0.1, 1), (0.2, 2), (0.5, 6), (0.9, 10), (0.99, 10)):
        labeled, unlabeled = labeled_share(NAMES, share=share, seed=4, groups=PATIENTS)
        assert sorted(labeled + unlabeled) == sorted(NAMES) and not people(labeled) & people(unlabeled)
        assert before <= set(labeled) and len(people(labeled)) == count
        before = set(labeled)
    for wrong in (0, 1, -0.1, 10):
        with pytest.raises(UserError, match='must be between 0 and 1'):
            labeled_share(NAMES, share=wrong, seed=4)
    with pytest.raises(UserError, match='it takes two'):
        labeled_share(['a', 'b'], share=0.5, seed=0, groups='xx')
    assert list(labeled_lists(NAMES, [10, 2.5], seed=0)) == ['labeled_10pct.txt', 'unlabeled_90pct.txt', 'labeled_2.5pct.txt',
                                                            'unlabeled_97.5pct.txt']


def test_patients_are_found_by_group_or_by_the_whole_match():
    assert patients_of(['p01_a', 'p02_b'], r'p\d+') == ['p01', 'p02'] and patients_of(['p01_a'], r'p(\d+)') == ['01']


@pytest.mark.parametrize('names, relatives', [
    (['patient002_frame12', 'patient003_frame01', 'patient002_frame01'], ('patient002_frame01', 'patient002_frame12')),
    (['p1-left', 'p1-right'], ('p1-left', 'p1-right')), (['BRATS_001_t1', 'BRATS_001_t2'], ('BRATS_001_t1', 'BRATS_001_t2')),
    (['cxr_012', 'cxr_031'], None), (['myops_training_101', 'myops_training_102'], None), (['a1', 'a2'], None)])
def test_names_that_look_like_one_patient_are_found(names, relatives):
    assert likely_relatives(names) == relatives


def test_patients_are_found_in_a_table(tmp_path):
    (tmp_path / 'a.csv').write_text('file,view,id\na.png,PA,7\nb,AP, 8 \nc,PA,7\nc,PA,7\nd,PA,\n')
    assert patients_in_table(['c', 'b', 'a'], tmp_path / 'a.csv', 'id') == ['7', '8', '7']
    for names, column, sentence in ((['a'], 'patient', "has no column 'patient' behind its first.*: file, view, id"),
                                    (['a'], 'file', "has no column 'file' behind its first"),
                                    (['a', 'x'], 'id', "has no id of case 'x'; add it"), (['d'], 'id', "has no id of case 'd'")):
        with pytest.raises(UserError, match=sentence):
            patients_in_table(names, tmp_path / 'a.csv', column)
    (tmp_path / 'a.csv').write_text('file,id\na,1\na,2\n')
    with pytest.raises(UserError, match="line 3, says id '2' of case 'a', which was '1' before"):
        patients_in_table(['a'], tmp_path / 'a.csv', 'id')


@pytest.mark.parametrize('percent', [10, 30, 70])
@pytest.mark.parametrize('seed', range(4))
def test_no_patient_straddles_labelled_unlabelled_and_validation_cases_of_any_fold(tmp_path, percent, seed):
    for train, valid in k_folds(NAMES, folds=3, seed=seed, groups=PATIENTS):
        lists = labeled_lists(train, [percent], seed=seed, groups=[n.split('_')[0] for n in train])
        sides = [people(names) for names in (*lists.values(), valid)]
        assert len(sides) == 3 and all(sides) and sum(map(len, sides)) == len(set.union(*sides)) == 11


def test_a_seed_below_zero_is_refused():
    with pytest.raises(UserError, match='the seed -1 must not be negative'):
        k_folds(NAMES, folds=2, seed=-1)


def test_a_full_disk_is_one_sentence_and_leaves_no_draft(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr('pathlib.Path.write_bytes', full)
    with pytest.raises(UserError, match='train.txt cannot be written .No space left on device.; make room'):
        write_lists(tmp_path, {'train.txt': ['a']})
    assert not list(tmp_path.iterdir())


def test_the_hash_is_of_the_sorted_names():
    expected = hashlib.sha256('a\nb c\né'.encode()).hexdigest()
    assert split_hash(['é', 'a', 'b c']) == expected == split_hash(('a', 'b c', 'é'))
    assert split_hash(['ab']) != split_hash(['a', 'b']) and split_hash([]) == hashlib.sha256(b'').hexdigest()


def test_lists_are_written_all_or_none_and_never_replaced(tmp_path):
    write_lists(tmp_path / 'new', fold_lists([(['a', 'b'], ['ć'])]), {'seed': 3})
    text = (tmp_path / 'new' / 'fold1_train.txt').read_text(encoding='utf-8')
    assert text == f'# sha256 of the names: {split_hash("ab")}\n# seed: 3\na\nb\n'
    assert read_split(tmp_path / 'new' / 'fold1_valid.txt') == ['ć']
    write_lists(tmp_path / 'new', fold_lists([(['a', 'b'], ['ć'])]))
    assert (tmp_path / 'new' / 'fold1_train.txt').read_text(encoding='utf-8') == text
    with pytest.raises(UserError, match='fold1_valid.txt is there already and names other cases'):
        write_lists(tmp_path / 'new', fold_lists([(['a', 'b'], ['c']), (['c'], ['a', 'b'])]))
    assert sorted(p.name for p in (tmp_path / 'new').iterdir()) == ['fold1_train.txt', 'fold1_valid.txt']


def test_a_plain_list_of_the_same_names_is_kept_as_it_is(tmp_path):
    (tmp_path / 'train.txt').write_text('b\n\na\n')
    write_lists(tmp_path, {'train.txt': ['a', 'b'], 'valid.txt': ['c']})
    assert (tmp_path / 'train.txt').read_text() == 'b\n\na\n' and read_split(tmp_path / 'valid.txt') == ['c']
    assert read_notes(tmp_path / 'train.txt') == {}


@pytest.mark.parametrize('change', ['{}c\n', '{}', '{}a\nb\n# x: y\nc'])
def test_a_list_that_was_edited_says_so_until_its_hash_is_removed(tmp_path, change):
    path = tmp_path / 'train.txt'
    write_lists(tmp_path, {'train.txt': ['a', 'b']}, {'patient': r'p\d+:x'})
    assert read_notes(path) == {'sha256 of the names': split_hash('ab'), 'patient': r'p\d+:x'}
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(change.format(''.join(lines[:2])))
    with pytest.raises(UserError, match='train.txt has been changed since it was written: the hash of its [013] names is .*, but'):
        read_split(path)
    path.write_text(change.format(lines[1]))
    assert read_split(path) == [n for n in change.replace('{}', '').split('\n') if n and not n.startswith('#')]


def test_reordering_a_list_and_saving_it_on_windows_change_no_case(tmp_path):
    write_lists(tmp_path, {'train.txt': ['a', 'b.nii.gz and more']})
    hash_line, *names = (tmp_path / 'train.txt').read_text().splitlines()
    (tmp_path / 'train.txt').write_bytes('\r\n'.join(['\ufeff' + hash_line, '', *names[::-1], '']).encode())
    assert read_split(tmp_path / 'train.txt') == ['b.nii.gz and more', 'a']


@pytest.mark.parametrize('name', ['#1', ' a', 'a ', '', 'a\nb'])
def test_a_name_that_a_list_cannot_hold_is_refused(tmp_path, name):
    with pytest.raises(UserError, match='cannot stand in a split list'):
        write_lists(tmp_path, {'a.txt': ['x'], 'b.txt': [name]})
    assert not list(tmp_path.iterdir())
