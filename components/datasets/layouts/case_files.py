"""Cases that are files, however they are found."""
from __future__ import annotations

import numpy as np
from torch.utils.data import Dataset

from scarceseg.registry import UserError
from scarceseg.registry.binding import nearest

from ..cache.store import file_key
from ..formats.geometry import check_same_grid
from ..formats.images import load_image
from .label_values import LabelValues

MISSING = ('error', 'zeros')


class CaseFiles(Dataset):
    """Whole cases of given files; what all layouts of files on disk share.

    Item i is a sample: ``name``, ``image`` (C, *space) float32, ``label`` (*space) uint8 with 255 where not annotated (if
    there are labels), ``spacing_mm`` in the order of space (None for pictures), ``geometry`` of the file, ``image_file`` (of the
    first channel that is there), ``label_file``, and, where channels may be missing, ``present``, a bool for each channel.

    Args:
        files: {case: ((image file of each channel, …), label file or None)}; a channel that may be missing can be None.
        values: the ``LabelValues``.
        missing: what a channel without file is, 'error' or 'zeros'.
        modalities: what the channels are called, where their number is known; or None.

    Raises:
        UserError: on reading a case, what is wrong with it.
    """

    def __init__(self, files, values, *, channels=('',), missing='error', modalities=None):
        self.files, self.names, self.values, self.classes = files, list(files), values, values.classes
        self.channels, self.missing, self.modalities = channels, missing, modalities

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        name = self.names[i]
        files = self.files[name][0]
        there = {k: self._image(name, file) for k, file in enumerate(files) if file is not None}
        first = next(iter(there))
        zeros, geometry = np.zeros_like(there[first][0]), there[first][1]
        for k, (_, other) in there.items():
            check_same_grid(other, geometry, f'case {name}: {files[k]} and {files[first]}')
        arrays = [there[k][0] if k in there else zeros for k in range(len(files))]
        sample = dict(name=name, image=arrays[0] if len(arrays) == 1 else np.concatenate(arrays), spacing_mm=geometry.spacing_mm,
                      geometry=geometry, image_file=str(files[first]))
        if self.modalities and len(sample['image']) != len(self.modalities):
            raise UserError(f'case {name}: {files[first]} makes {len(sample["image"])} channels, but expected were '
                            f'{len(self.modalities)} ({", ".join(self.modalities)}); mend the case or the list of channels')
        if self.missing == 'zeros':
            sample['present'] = tuple(k in there for k in range(len(files)))
        drawn = self.label(i)
        if drawn:
            check_same_grid(drawn['geometry'], geometry, f'case {name}: the label {drawn["label_file"]} and its image')
        return {**drawn, **sample}

    def label(self, i):
        """``name``, ``label``, ``geometry`` and ``label_file`` of case i, without reading its image; empty where it has none."""
        name = self.names[i]
        file = self.files[name][1]
        if file is None:
            return {}
        label, geometry = load_image(file, label=True)
        return dict(name=name, label=self.values.to_classes(label, f'case {name}: the label {file}'), geometry=geometry,
                    label_file=str(file))

    def key(self, i):
        """What case i is made from, for a store."""
        images, label = self.files[self.names[i]]
        return [file_key(*images, label), self.values.key, self.missing]

    def _image(self, name, file):
        image, geometry = load_image(file)
        if not np.isfinite(image.min() + image.max()):
            raise UserError(f'case {name}: {file} holds NaN or Inf')
        if self.missing == 'zeros' and len(image) > 1:
            raise UserError(f'case {name}: {file} holds {len(image)} channels; where channels may be missing each needs a file of '
                            'its own')
        return image, geometry


def check_missing(missing):
    """Raise UserError unless it says what a channel without file is."""
    if missing not in MISSING:
        raise UserError(f'missing={missing!r} is unknown{nearest(str(missing), MISSING)}; known: {", ".join(MISSING)}')


def make_values(classes, label_values, unannotated):
    """``LabelValues``, with a sentence where there are no classes."""
    if not classes or isinstance(classes, str):
        raise UserError(f'classes={classes!r} must list the names of all classes')
    return LabelValues(classes, label_values, unannotated)
