import itertools

import pytest

from scarceseg.components.datasets.splits import k_folds, write_folds
from scarceseg.registry import UserError

NAMES = [f'patient{p:02d}_{k}' for p in range(11) for k in range(1 + p % 3)]
PATIENTS = [n.split('_')[0] for n in NAMES]


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
        patients = [{n.split('_')[0] for n in part} for part in (train, valid)]
        assert not patients[0] & patients[1]
        sizes.append(len(patients[1]))
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


def test_lists_are_written_all_or_none_and_never_replaced(tmp_path):
    write_folds(tmp_path / 'new', [(['a', 'b'], ['ć'])])
    assert (tmp_path / 'new' / 'fold1_train.txt').read_bytes() == b'a\nb\n'
    assert (tmp_path / 'new' / 'fold1_valid.txt').read_text(encoding='utf-8') == 'ć\n'
    write_folds(tmp_path / 'new', [(['a', 'b'], ['ć'])])
    with pytest.raises(UserError, match='fold1_valid.txt is there already and names other cases'):
        write_folds(tmp_path / 'new', [(['a', 'b'], ['c']), (['c'], ['a', 'b'])])
    assert sorted(p.name for p in (tmp_path / 'new').iterdir()) == ['fold1_train.txt', 'fold1_valid.txt']
