import pickle

import pytest
from torch.utils.data import DataLoader

from scarceseg.registry import UserError


class Broken:
    """A data set whose only item cannot be had."""

    def __len__(self):
        return 1

    def __getitem__(self, i):
        try:
            return {}[i]
        except KeyError as error:
            raise UserError('case a is broken: mend it') from error


@pytest.mark.parametrize('workers', [0, 1])
def test_a_sentence_stays_one_when_a_worker_says_it(workers):
    with pytest.raises(UserError) as caught:
        next(iter(DataLoader(Broken(), num_workers=workers)))
    assert str(caught.value) == 'case a is broken: mend it'


def test_an_error_is_what_was_said_and_survives_pickling():
    for text in ('', 'a: b', 'no UserError: nothing'):
        assert str(pickle.loads(pickle.dumps(UserError(text)))) == text and isinstance(UserError(text), ValueError)
