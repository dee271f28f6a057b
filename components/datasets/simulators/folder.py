"""A folder of labels with simulated imperfection, made once and for all to see."""
from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from scarceseg.components.labels import IGNORE
from scarceseg.registry import TRANSFORMS, UserError

from ..formats.images import label_ending, load_image, save_image
from ..layouts.files import list_folder, read_split
from ..layouts.label_values import LabelValues
from .mixture import check_kinds, deal_kinds

MANIFEST = 'simulation.json'


def simulate_folder(labels, out, *, transform, seed, settings, classes, values=None, unannotated=255, split=None):
    """Write the simulated label of every case of a folder, under its name, and ``simulation.json`` that says how each was made.

    The labels are those that the same transform makes in a data set's ``simulate``; but of ``simulate_noise`` the shares of the
    kinds are kept as exactly as whole cases can.

    Args:
        labels: folder of full labels.
        out: folder to be written; it appears once all is done, and must not be there yet.
        transform: name of a simulator on the shelf of transforms.
        seed: with a case's name decides all that is random about it.
        settings: of the transform.
        classes: number of classes, or their names.
        values: of the classes in the files, see ``LabelValues``; None: their indices.
        unannotated: value that means "not annotated" in the files, read and written.
        split: a list of case names; None takes all.

    Yields:
        (case name, what the manifest says of it) after each case.

    Raises:
        UserError: ``out`` is there already, a folder, case or setting that does not fit, or a label with other values.
    """
    out = Path(out)
    if out.exists():
        raise UserError(f'{out} is there already and is never overwritten; choose another folder, or remove it')
    names = [f'class {k}' for k in range(classes)] if isinstance(classes, int) else list(classes)
    reader, files = LabelValues(names, values, unannotated), _chosen(labels, split)
    kinds = deal_kinds(files, settings.get('kinds'), seed=seed) if transform == 'simulate_noise' else {}
    configs = {name: dict(settings, type=transform, seed=seed, **_kind(kinds, name)) for name in files}
    TRANSFORMS.build(next(iter(configs.values())))
    draft, cases = None, {}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix='.writing_', dir=out.parent))
        for name, file in files.items():
            cases[name] = _simulate(name, file, TRANSFORMS.build(configs[name]), reader, draft, unannotated, kinds)
            yield name, cases[name]
        content = dict(transform=transform, seed=seed, settings=settings, labels=str(Path(labels).resolve()), classes=names,
                       values=values, unannotated=unannotated, cases=cases)
        (draft / MANIFEST).write_text(json.dumps(content, indent=1), encoding='utf-8')
        os.chmod(draft, 0o755)
        os.rename(draft, out)
    except OSError as error:
        raise UserError(f'{out} cannot be written ({error.strerror or error}); make room, or choose another folder') from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _chosen(labels, split):
    """{case: file} of the folder, or of a split list."""
    files = list_folder(labels)
    if split is not None:
        missing = [n for n in read_split(Path(split)) if n not in files]
        if missing:
            raise UserError(f'case {missing[0]!r}, listed in {split}, has no file in {labels}')
        files = {n: files[n] for n in read_split(Path(split))}
    if not files:
        raise UserError(f'there is no label in {labels}; give a folder of label files')
    return files


def _kind(kinds, name):
    """The setting by which a case gets the kind it was dealt."""
    return {} if name not in kinds else dict(kinds={} if kinds[name] is None else check_kinds({kinds[name]: 1.0}))


def _simulate(name, file, transform, reader, folder, unannotated, kinds):
    """Write one case's label; returns its entry in the manifest."""
    stored, geometry = load_image(file, label=True)
    full = reader.to_classes(stored, f'case {name}: the label {file}')
    made = transform(dict(name=name, image=full[None], label=full, spacing_mm=geometry.spacing_mm), None)['label']
    known = made != IGNORE
    written = reader.to_values(np.where(known, made, 0))
    if not known.all():
        written = np.where(known, written, unannotated).astype(np.promote_types(written.dtype, np.min_scalar_type(unannotated)))
    save_image(folder / f'{name}{label_ending(file)}', written, geometry)
    both = known & (full != IGNORE)
    entry = dict(annotated=float(known.mean()), wrong=float((made != full)[both].mean()) if both.any() else 0.0)
    return dict(entry, kind=kinds[name] or 'clean') if name in kinds else entry
