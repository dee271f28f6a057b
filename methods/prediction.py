"""Predicting with a trained run."""
from __future__ import annotations

import hashlib
import time
from functools import partial
from pathlib import Path

import torch

from scarceseg.components.datasets import save_image, write_nifti
from scarceseg.components.datasets.formats.images import case_name, label_ending
from scarceseg.components.datasets.layouts.described import describe
from scarceseg.components.datasets.parts.datasets import build, build_prepare, prepare_case
from scarceseg.components.inferers import flip_average
from scarceseg.components.transforms import undo
from scarceseg.registry import MODELS, POSTPROCESSORS, UserError, use_data_root
from scarceseg.registry.paths import OF_FILES

from .assembly import assemble
from .metrics import label_map
from .recording import peak_memory
from .runs import find_checkpoint, load_run_config, load_weights, read_json, write_json

MANIFEST = 'predictions.json'
PROB = '_prob'  # what the file of probabilities of a case is called more than its prediction


class Predictor:
    """A trained run as a function from a case to its label map, in the space of the case's file.

    Args:
        config: of the run.
        checkpoint: file of weights.
        tta: average over the flips of the axes that the network sees.

    ``predictor(sample)``, with a sample as data sets give it, returns (*space) uint8 and the probabilities (K, *space) float32,
    both in the space of the case's file. ``methods/ensemble.py`` does the three steps of it with several networks.
    """

    def __init__(self, config, checkpoint, *, tta=False):
        self.config = assemble(config)
        self.segmentor = MODELS.build(config.model)
        self.meta = load_weights(self.segmentor, checkpoint)
        self.device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        self.segmentor.to(self.device).eval()
        self.prepare = build_prepare(config.get('prepare', []))
        self.postprocess = [POSTPROCESSORS.build(p) for p in config.get('postprocess', [])]
        self.tta = tta

    @classmethod
    def from_run(cls, run, *, checkpoint='last', tta=False):
        """The predictor of a run folder; ``checkpoint`` is 'last', 'best' or a file."""
        return cls(load_run_config(run), find_checkpoint(run, checkpoint), tta=tta)

    def __call__(self, sample):
        prepared = self.prepared(sample)
        return self.finished(self.probabilities(prepared), prepared)

    def prepared(self, sample):
        """The sample as the network sees it: without its label, and prepared."""
        self._check_channels(sample)
        return prepare_case({k: v for k, v in sample.items() if k != 'label'}, self.prepare)

    def probabilities(self, prepared):
        """Probabilities (K, *space) of a prepared sample, on its grid, as a tensor on the network's device."""
        image = torch.from_numpy(prepared['image'])[None].to(self.device)
        window = self.window(image.ndim - 2)
        single = len(window) == 3 and image.ndim == 4  # a 2D image where the config speaks of volumes: one slice
        axes = tuple(d - len(window) for d, w in enumerate(window) if w != 1)
        with torch.inference_mode():
            prob = self.segmentor.predict(image[:, :, None] if single else image,
                                          around=[partial(flip_average, axes=axes)] if self.tta else [])[0]
        return prob[:, 0] if single else prob

    def finished(self, prob, prepared):
        """The label map (*space) and the probabilities (K, *space) in the space of the case's file."""
        return label_map(prob, prepared.get('history'), self.postprocess), undo(prob.cpu().numpy(), prepared.get('history'))

    def _check_channels(self, sample):
        networks = self.config.model.networks
        network = networks[self.segmentor.predict_name]
        expected = networks.get(network.get('average_of'), network).get('in_channels', len(sample['image']))
        if len(sample['image']) != expected:
            raise UserError(f'case {sample["name"]} has {len(sample["image"])} channels, but the network was trained on '
                            f'{expected}; give images like those of the training')

    def window(self, dims):
        """The window of the config's inferers; along an axis of 1 the network does not look, and flips make no difference."""
        windows = [f.keywords['window'] for f in self.segmentor.inferers if 'window' in f.keywords]
        return windows[0] if windows else (None,) * dims


def test_cases(config, *, images=None, data=None):
    """The whole cases to predict: those of ``test_dataloader`` (or of validation), or every image of the folder ``images``."""
    use_data_root(config, data)
    if images is not None:
        if not Path(images).is_dir():
            raise UserError(f'--images {images} is no folder; give a folder of images')
        layout = {**_layout(config), 'classes': config.classes}
        return build(dict(type='FolderDataset', images=str(Path(images).resolve()), **layout))
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    if not loader:
        raise UserError(f'{config.filename} has neither test_dataloader nor val_dataloader; name a folder with --images')
    return build(loader['dataset']['cases'])


def _layout(config):
    """How the files of the run's own cases are named, and the values of their labels, as settings of a ``FolderDataset``."""
    for loader in ('test_dataloader', 'val_dataloader', 'train_dataloader'):
        dataset = (config.get(loader) or {}).get('dataset', {})
        for cases in (dataset.get('cases', {}), *dataset.get('parts', {}).values()):
            while cases.get('type') == 'SubsetDataset':
                cases = cases['cases']
            if cases.get('type') in OF_FILES:
                return {**describe(cases), **{k: cases[k] for k in ('channels', 'label_values', 'missing') if k in cases}}
    return {}


def output_folder(run, checkpoint, meta, *, tta, images):
    """Where predictions go by default: RUN/predictions/last_iter1000_tta."""
    which = checkpoint if checkpoint in ('last', 'best') else _named(checkpoint)
    parts = [which, f'iter{meta["iter"]}' if 'iter' in meta else '', 'tta' if tta else '', _named(images) if images else '']
    return Path(run) / 'predictions' / '_'.join(filter(None, parts))


def _named(path):
    """A file's or folder's own name, and a mark of where it lies."""
    path = Path(path).resolve()
    return f'{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}'


def predict_cases(predictor, cases, out, manifest, *, save_prob=False):
    """Predict and write every case; yields ``(name, None or the UserError)`` after each.

    Files are ``out/NAME`` with the ending of the image (.png where that would lose values), in its geometry and in the values of
    the data set's labels, and, with ``save_prob``, ``out/NAME_prob.nii.gz`` (float32, classes along the axis behind space).

    Args:
        manifest: from ``make_manifest``; it is written first, and at the end with the names of the predicted (``cases``) and of the
            ``failed`` cases, the seconds that each took from its sample in memory to its label map, and the most memory.

    Raises:
        UserError: ``out`` holds files of that name which are other predictions, or none of ours.
    """
    out, failed, seconds = Path(out), [], {}
    check_output(out, case_names(cases), manifest)
    out.mkdir(parents=True, exist_ok=True)
    values = getattr(cases, 'values', None)
    if values is not None:
        manifest = dict(manifest, values=dict(zip(values.classes, values.written.tolist())))
    write_json(out / MANIFEST, manifest)
    for i, name in enumerate(case_names(cases)):
        try:
            sample, start = cases[i], time.perf_counter()
            label, prob = predictor(sample)
            taken = time.perf_counter() - start
        except UserError as error:
            failed.append(name)
            yield name, error
            continue
        ending = label_ending(sample['image_file']) if 'image_file' in sample else '.nii.gz'
        save_image(out / f'{name}{ending}', label if values is None else values.to_values(label), sample['geometry'])
        if save_prob:
            write_nifti(out / f'{name}{PROB}.nii.gz', prob, sample['geometry'])
        seconds[name] = round(taken, 4)
        yield name, None
    write_json(out / MANIFEST, dict(manifest, cases=list(seconds), failed=failed, seconds=seconds, **peak_memory()))


def check_output(out, names, manifest):
    """Raise UserError where predictions would be mixed with others, or written over files that are none of ours."""
    if (out / MANIFEST).exists():
        before = read_json(out / MANIFEST)
        changed = [k for k in ('checkpoint_sha256', 'tta', 'images') if before.get(k) != manifest[k]]
        if changed:
            raise UserError(f'{out} holds predictions with another {", ".join(changed)}; choose another --out')
        return
    taken = [p.name for p in sorted(out.iterdir()) if case_name(p) in set(names)] if out.is_dir() else []
    if taken:
        raise UserError(f'{out} already holds {taken[0]}, which is no prediction of this program; choose another --out')


def case_names(cases):
    """Names of a data set of whole cases, without reading their images where it knows them."""
    return list(cases.names) if hasattr(cases, 'names') else [cases[i]['name'] for i in range(len(cases))]


def make_manifest(predictor, checkpoint_file, run, *, images=None):
    """What is noted beside predictions of what made them."""
    return dict(run=str(Path(run).resolve()), checkpoint=str(Path(checkpoint_file).resolve()),
                checkpoint_sha256=file_hash(checkpoint_file), iteration=predictor.meta.get('iter'), tta=predictor.tta, cases=[],
                images=str(Path(images).resolve()) if images else None)


def file_hash(path):
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
