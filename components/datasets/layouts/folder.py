"""Cases that lie in folders."""
from __future__ import annotations

from pathlib import Path

from scarceseg.registry import DATASETS, UserError

from ..formats.images import ENDINGS
from .case_files import CaseFiles, check_missing, make_values
from .files import cases_from_csv, cases_from_folders


@DATASETS.register_module()
class FolderDataset(CaseFiles):
    """Whole cases from folders of images and of labels, chosen by a split list or a CSV; volumes (NIfTI, …) or pictures (PNG, …).

    Items are as in ``CaseFiles``.

    Args:
        images: folder of images, relative to ``data_root``, or several folders.
        labels: folder of labels, or as many as folders of images, or None. A label has the file name of its image.
        split: a .txt with one case name a line, or a .csv with a column ``image`` and, where there are labels, ``label``
            (files relative to ``data_root``) and perhaps ``name``; None takes every file of ``images``.
        classes: names of the classes; a label may hold their indices and nothing else.
        unannotated: the value, or several, that mean "not annotated" in the label files, or None where every voxel is annotated.
        data_root: folder that all paths are relative to.
        channels: what the file names of a case end with where each channel has a file of its own: ('_C0', '_DE', '_T2') for
            NAME_C0.nii.gz, …; in a .csv their columns are ``image_C0``, …
        label_suffix: what the name of a label has more than the name of its case: '_gd' for NAME_gd.nii.gz.
        label_values: for each class its value in the label files, or a list of values that all become this class:
            (0, 200, (500, 600)). Predictions are written in these values, of a list the first. None: the classes' indices.
        missing: what a channel without file is, as long as a case has one: an 'error', or 'zeros', and the sample says in
            ``present`` which channels there are. In a .csv its field is empty.

    Raises:
        UserError: a missing folder, file, split or column, or no case at all; on reading a case, what is wrong with it.
    """

    def __init__(self, images, classes, labels=None, split=None, unannotated=None, data_root='.', channels=('',), label_suffix='',
                 label_values=None, missing='error'):
        channels, values = _several(channels), make_values(classes, label_values, unannotated)
        if not channels or len(set(channels)) < len(channels):
            raise UserError(f'channels={channels!r} must be different endings of file names, one for each channel')
        check_missing(missing)
        root, images = Path(data_root), _several(images)
        if split is not None and str(split).lower().endswith('.csv'):
            files = cases_from_csv(root, root / split, labelled=labels is not None, channels=channels, missing=missing)
        else:
            files = cases_from_folders(root, images, _as_many(labels, images), split, channels=channels, label_suffix=label_suffix,
                                       missing=missing)
        if not files:
            ends = f' whose names end with {", ".join(channels)}' if any(channels) else ''
            listed = f'named in {root / split}' if split else f'of the known endings {", ".join(ENDINGS)}'
            raise UserError(f'no case was found: images in {", ".join(str(root / f) for f in images[:3])}{ends} {listed}')
        super().__init__(files, values, channels=channels, missing=missing)


def _several(entry):
    return (entry,) if isinstance(entry, (str, Path)) else tuple(entry)


def _as_many(labels, images):
    """A folder of labels for each folder of images."""
    if labels is None:
        return None
    labels = _several(labels)
    if len(labels) != len(images):
        raise UserError(f'there are {len(images)} folders of images and {len(labels)} of labels; give one for each')
    return labels
