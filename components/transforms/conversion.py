"""Other values in a label."""
from __future__ import annotations

from numbers import Integral

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import TRANSFORMS, UserError

from .checks import check_count, refuse


@TRANSFORMS.register_module()
def convert_labels(sample, rng=None, *, values, others=None):
    """Classes by other numbers, some of them merged or left out; what is not annotated stays so.

    Labels for validation are compared as the data set reads them: to have other classes throughout, set the data set's
    ``label_values`` instead.

    Args:
        sample: with ``label`` (*space) uint8; a sample without label passes through.
        values: for each new class the old one, or several that are merged: (0, (1, 2), 3) makes two of three structures. An empty
            list leaves a number unused: (0, 1, (), 3) with ``others=0`` selects the classes 1 and 3, which keep their numbers.
        others: class of voxels with any other value, or 255 for "not annotated"; None lets no other value pass.

    Raises:
        UserError: an old class twice or out of range; with ``others=None``, a value that is not named; ``one_hot`` came before.
    """
    if 'label' not in sample:
        return sample
    if sample.get('soft_label') is not None:
        raise UserError('convert_labels would leave the soft_label that one_hot has made as it was; put it before one_hot')
    given = values if isinstance(values, (list, tuple)) else ()
    groups = [tuple(v) if isinstance(v, (list, tuple)) else (v,) for v in given]
    named = [v for group in groups for v in group]
    if not all(isinstance(v, Integral) and 0 <= v < IMPLIED for v in named) or len(set(named)) < len(named) or not named:
        refuse('convert_labels', 'values', values, f'it must list different classes, whole numbers from 0 to {IMPLIED - 1}')
    if others is not None and others not in (*range(len(groups)), IGNORE):
        refuse('convert_labels', 'others', others, f'it must be one of the {len(groups)} new classes, or {IGNORE}')
    label = sample['label']
    table = np.full(256, IMPLIED if others is None else others, np.uint8)
    for new, group in enumerate(groups):
        table[list(group)] = new
    table[IMPLIED:] = IMPLIED, IGNORE
    if others is None:
        strange = [v for v in np.unique(label).tolist() if v < IMPLIED and v not in named]
        if strange:
            raise UserError(f'case {sample.get("name", "without name")} has classes {strange}, which values={values} of '
                            'convert_labels do not name; name them, or say with others what becomes of them')
    out = dict(sample, label=table[label])
    out.pop('class_locations', None)
    return out


@TRANSFORMS.register_module()
def one_hot(sample, rng=None, *, num_classes):
    """Add ``soft_label`` (K, *space) float32: 1 in the channel of a voxel's class, 0 in the others, and everywhere where it is not
    annotated. Further transforms move it like the label.

    Raises:
        UserError: the label has a class that is not among ``num_classes``.
    """
    check_count('one_hot', 'num_classes', num_classes)
    if 'label' not in sample:
        return sample
    label = sample['label']
    odd = label[(label >= num_classes) & (label < IMPLIED)]
    if odd.size:
        raise UserError(f'case {sample.get("name", "without name")} has class {odd[0]}, but num_classes={num_classes} of one_hot')
    classes = np.arange(num_classes, dtype=label.dtype).reshape(-1, *[1] * label.ndim)
    return dict(sample, soft_label=(label == classes).astype(np.float32))
