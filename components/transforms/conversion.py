"""Other values in a label."""
from __future__ import annotations

import numpy as np

from scarceseg.components.labels import IGNORE, IMPLIED
from scarceseg.registry import TRANSFORMS, UserError


@TRANSFORMS.register_module()
def convert_labels(sample, rng=None, *, values, others=None):
    """Classes by other numbers, some of them merged or left out; what is not annotated stays so.

    Labels for validation are compared as the data set reads them: to have other classes throughout, set the data set's
    ``label_values`` instead.

    Args:
        sample: with ``label`` (*space) uint8; a sample without label passes through.
        values: for each new class the old one, or several that are merged: (0, (1, 2), 3) makes two of three structures.
        others: class of voxels with any other value, or 255 for "not annotated"; None lets no other value pass.

    Raises:
        UserError: an old class twice or out of range, or, with ``others=None``, a value that is not named.
    """
    if 'label' not in sample:
        return sample
    groups = [tuple(v) if isinstance(v, (list, tuple)) else (v,) for v in values]
    named = [v for group in groups for v in group]
    if len(set(named)) < len(named) or any(v not in range(IMPLIED) for v in named):
        raise UserError(f'values={values} of convert_labels must be different classes, from 0 to {IMPLIED - 1}')
    if others is not None and others not in (*range(len(groups)), IGNORE):
        raise UserError(f'others={others} of convert_labels must be one of the {len(groups)} new classes, or {IGNORE}')
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
    if 'label' not in sample:
        return sample
    label = sample['label']
    odd = label[(label >= num_classes) & (label < IMPLIED)]
    if odd.size:
        raise UserError(f'case {sample.get("name", "without name")} has class {odd[0]}, but num_classes={num_classes} of one_hot')
    classes = np.arange(num_classes, dtype=label.dtype).reshape(-1, *[1] * label.ndim)
    return dict(sample, soft_label=(label == classes).astype(np.float32))
