"""What the numbers in label files mean."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import UserError

STRANGE = IMPLIED  # in the table: a number that means nothing; files are read before any background is implied
WIDEST = 2 ** 24  # the table has an entry for every number between the smallest and the largest
DTYPES = ('uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'int64')


class LabelValues:
    """From the numbers in label files to class indices and back, by one table.

    Args:
        classes: names of the classes.
        values: for each class the number in the files, or several numbers that all become that class; None: their indices.
        unannotated: the number, or several, that mean "not annotated"; None where every voxel is annotated.

    Raises:
        UserError: another number of values than classes, a value with two meanings, or one that is no whole number.
    """

    def __init__(self, classes, values=None, unannotated=None):
        self.classes, self.unannotated = tuple(classes), _numbers(unannotated)
        self.values = tuple((k,) for k in range(len(self.classes))) if values is None else tuple(map(_numbers, values))
        if len(self.classes) > IMPLIED:
            raise UserError(f'there are {len(self.classes)} classes, but a label holds at most {IMPLIED}')
        if len(self.values) != len(self.classes) or not all(self.values):
            raise UserError(f'label_values has {len(self.values)} entries, {values}, but there are {len(self.classes)} classes '
                            f'({", ".join(self.classes)}); give one number, or a list of numbers, for each')
        self._check(unannotated, values)
        meaning = {v: k for k, numbers in enumerate(self.values) for v in numbers}
        meaning.update(dict.fromkeys(self.unannotated, IGNORE))
        self.low = min(0, *meaning)
        self.table = np.full(max(meaning) - self.low + 1, STRANGE, np.uint8)
        for value, index in meaning.items():
            self.table[value - self.low] = index
        first = [numbers[0] for numbers in self.values]
        self.written = np.array(first, next(t for t in DTYPES if np.iinfo(t).min <= min(first) and max(first) <= np.iinfo(t).max))

    def _check(self, unannotated, values):
        every = [v for numbers in (*self.values, self.unannotated) for v in numbers]
        known = [v for numbers in self.values for v in numbers]
        if any(not isinstance(v, int) or isinstance(v, bool) for v in every) or set(self.unannotated) & set(known):
            raise UserError(f'unannotated={unannotated!r} must be a whole number that is no class, or several; the classes are '
                            f'{self.known()}')
        if len(set(known)) < len(known) or max(every) - min(0, *every) >= WIDEST:
            raise UserError(f'label_values={values} must be different whole numbers, and lie within {WIDEST} of each other')

    def known(self):
        """The classes and their numbers, for a sentence."""
        if self.values == tuple((k,) for k in range(len(self.classes))):
            return f'0 to {len(self.classes) - 1} ({", ".join(self.classes)})'
        return ', '.join(f'{name} {_span(numbers)}' for name, numbers in zip(self.classes, self.values))

    def to_classes(self, label, what):
        """Numbers of a file (*space) to class indices (*space) uint8, 255 where not annotated.

        Args:
            what: subject of the sentence where there is a number that means nothing, such as "case a: the label a.nii.gz".
        """
        label = np.asarray(label)
        index = label if self.low == 0 else label.astype(np.int64) - self.low
        if label.size and index.min() >= 0 and index.max() < len(self.table):
            classes = self.table[index]
            if not (classes == STRANGE).any():
                return classes
        elif not label.size:
            return label.astype(np.uint8)
        strange = [v for v in np.unique(label).tolist() if not (self.low <= v < self.low + len(self.table))
                   or self.table[v - self.low] == STRANGE]
        shown = f'{strange[:8]}{" and others" if len(strange) > 8 else ""}'
        hint = ('is it an image instead of a label?' if len(strange) > 8 else
                'give the values of the classes as label_values, and those that mean "not annotated" as unannotated')
        raise UserError(f'{what} holds {shown}, but the classes are {self.known()}; {hint}')

    def to_values(self, classes):
        """Class indices (*space) to the numbers of files, in the smallest integer dtype; of several numbers the first."""
        return self.written[classes]

    @property
    def key(self):
        """What tells that a stored label was read in this way."""
        return [self.values, self.unannotated]


def _numbers(entry):
    return () if entry is None else tuple(entry) if isinstance(entry, (list, tuple, range)) else (entry,)


def _span(numbers):
    if len(numbers) > 2 and tuple(numbers) == tuple(range(numbers[0], numbers[0] + len(numbers))):
        return f'{numbers[0]} to {numbers[-1]}'
    return ' or '.join(map(str, numbers))
