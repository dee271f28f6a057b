"""Cases that lie in folders."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from scarceseg.registry import DATASETS, UserError

from .files import cases_from_csv, cases_from_folders
from .geometry import check_same_grid
from .images import read_image
from .label_values import LabelValues
from .store import file_key


@DATASETS.register_module()
class FolderDataset(Dataset):
    """Whole cases from folders of images and of labels, chosen by a split list or a CSV; volumes (NIfTI) or pictures (PNG, …).

    Item i is a sample: ``name``, ``image`` (C, *space) float32, ``label`` (*space) uint8 with 255 where not annotated (if
    there are labels), ``spacing_mm`` in the order of space (None for pictures), ``geometry`` of the file, ``image_file`` (of the
    first channel), ``label_file``.

    Args:
        images: folder of images, relative to ``data_root``, or several folders.
        labels: folder of labels, or as many as folders of images, or None. A label has the file name of its image.
        split: a .txt with one case name a line, or a .csv with a column ``image`` and, where there are labels, ``label``
            (files relative to ``data_root``); None takes every file of ``images``.
        classes: names of the classes; a label may hold their indices and nothing else.
        unannotated: the value, or several, that mean "not annotated" in the label files, or None where every voxel is annotated.
        data_root: folder that all paths are relative to.
        channels: what the file names of a case end with where each channel has a file of its own: ('_C0', '_DE', '_T2') for
            NAME_C0.nii.gz, …; in a .csv their columns are ``image_C0``, …
        label_suffix: what the name of a label has more than the name of its case: '_gd' for NAME_gd.nii.gz.
        label_values: for each class its value in the label files, or a list of values that all become this class:
            (0, 200, (500, 600)). Predictions are written in these values, of a list the first. None: the classes' indices.

    Raises:
        UserError: a missing folder, file, split or column, or no case at all; on reading a case, what is wrong with it.
    """

    def __init__(self, images, classes, labels=None, split=None, unannotated=None, data_root='.', channels=('',), label_suffix='',
                 label_values=None):
        self.classes, self.channels = tuple(classes), _several(channels)
        self.values = LabelValues(classes, label_values, unannotated)
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise UserError(f'channels={channels!r} must be different endings of file names, one for each channel')
        root, images = Path(data_root), _several(images)
        if split is not None and str(split).endswith('.csv'):
            self.files = cases_from_csv(root, root / split, labelled=labels is not None, channels=self.channels)
        else:
            self.files = cases_from_folders(root, images, _as_many(labels, images), split, channels=self.channels,
                                            label_suffix=label_suffix)
        if not self.files:
            ends = f' whose names end with {", ".join(self.channels)}' if any(self.channels) else ''
            raise UserError(f'no case was found: images {", ".join(str(root / f) for f in images[:3])}{ends}, split {split}')
        self.names = list(self.files)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        name = self.names[i]
        files = self.files[name][0]
        channels, geometries = zip(*(self._image(name, file) for file in files))
        for file, geometry in zip(files[1:], geometries[1:]):
            check_same_grid(geometry, geometries[0], f'case {name}: {file} and {files[0]}')
        image = channels[0] if len(channels) == 1 else np.concatenate(channels)
        sample = dict(name=name, image=image, spacing_mm=geometries[0].spacing_mm, geometry=geometries[0], image_file=str(files[0]))
        drawn = self.label(i)
        if drawn:
            check_same_grid(drawn['geometry'], geometries[0], f'case {name}: the label {drawn["label_file"]} and its image')
        return {**drawn, **sample}

    def label(self, i):
        """``name``, ``label``, ``geometry`` and ``label_file`` of case i, without reading its image; empty where it has none."""
        name = self.names[i]
        file = self.files[name][1]
        if file is None:
            return {}
        label, geometry = read_image(file, label=True)
        return dict(name=name, label=self.values.to_classes(label, f'case {name}: the label {file}'), geometry=geometry,
                    label_file=str(file))

    def key(self, i):
        """What case i is made from, for a store."""
        images, label = self.files[self.names[i]]
        return [file_key(*images, label), self.values.key]

    def _image(self, name, file):
        image, geometry = read_image(file)
        if not np.isfinite(image.min() + image.max()):
            raise UserError(f'case {name}: {file} holds NaN or Inf')
        return image, geometry


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
