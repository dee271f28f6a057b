"""What can be wrong with data."""
from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING = 'error', 'warning'
ALMOST = 0.01  # of a voxel: what a label may be off its image without a word; up to half a voxel is a warning, beyond an error
VALUES = 64  # that a label may have where nobody says what its classes are
UNLIKE = 4.0  # times that a voxel may be as large as that of another case

KINDS = {
    'missing': (ERROR, 'a case without image, channel or label; a folder, list or table that is missing or malformed'),
    'unreadable': (ERROR, 'a file that is truncated, damaged, or of another kind than its name says'),
    'grid': (ERROR, 'label and image, or channels, that differ in shape, or lie more than half a voxel apart'),
    'values': (ERROR, 'a label with numbers that are no class; image and label exchanged'),
    'not finite': (ERROR, 'an image with NaN or Inf'),
    'constant': (ERROR, 'an image that is the same everywhere'),
    'channels': (ERROR, 'cases with different numbers of channels or of axes'),
    'leak': (ERROR, 'a case of training in validation or test too, by its file or by its voxels, however they are compressed'),
    'patient': (ERROR, 'a patient who is in two of training, validation and test, where --patient or the split lists tell who that '
                       'is'),
    'no annotation': (ERROR, 'labels of a part without any annotated voxel; a class that no label of training has'),
    'apart': (WARNING, f'label and image that lie {ALMOST:g} to half a voxel apart, or of which only one has a place in space'),
    'orientation': (WARNING, 'images whose axes point to different sides'),
    'spacing': (WARNING, f'a voxel size {UNLIKE:g} times that of another case, or known for some cases only'),
    'constant channel': (WARNING, 'one of several channels that is the same everywhere'),
    'empty label': (WARNING, 'a label without foreground, or without any annotated voxel'),
    'absent class': (WARNING, 'a class that no label of validation or test has'),
    'duplicate': (WARNING, 'cases with the same voxels within a part, in two parts of training, or in validation and test; one '
                           'label for different images')}


class Problem(NamedTuple):
    """Something wrong.

    Attributes:
        kind: a key of ``KINDS``.
        part: where, such as 'train.labeled'.
        case: its name, or ''.
        text: a sentence.
    """

    kind: str
    part: str
    case: str
    text: str

    @property
    def level(self):
        """'error' where training would be wrong, else 'warning'."""
        return KINDS[self.kind][0]


def counted(items, what):
    """'1 case', '2 cases' of a number, or of a list."""
    n = items if isinstance(items, int) else len(items)
    return f'{n} {what}' if n == 1 else f'{n} {what}s'


def explain_kinds():
    """All kinds with their levels as text, one a line."""
    return '\n'.join(f'  {level:<8} {kind:<17} {what}' for kind, (level, what) in KINDS.items())


def by_weight(problems):
    """Problems with the errors first, then in the order of ``KINDS``, of parts and of cases; what is true of two parts once."""
    order, parts = list(KINDS), {}
    for problem in problems:
        parts.setdefault(problem._replace(part=''), []).append(problem.part)
    once = [problem._replace(part='+'.join(dict.fromkeys(found))) for problem, found in parts.items()]
    return sorted(once, key=lambda p: (p.level != ERROR, order.index(p.kind), p.part, p.case))
