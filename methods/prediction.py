"""Predicting with a trained run."""
from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import torch

from scarceseg.components.datasets import write_nifti
from scarceseg.components.datasets.parts import build, prepare_case
from scarceseg.components.inferers import flip_average
from scarceseg.components.transforms import undo
from scarceseg.registry import MODELS, POSTPROCESSORS, TRANSFORMS, UserError, use_data_root

from .assembly import assemble
from .metrics import label_map
from .runs import find_checkpoint, load_run_config, load_weights, write_json

MANIFEST = 'predictions.json'


class Predictor:
    """A trained run as a function from a case to its label map, in the space of the case's file.

    Args:
        config: of the run.
        checkpoint: file of weights.
        tta: average over the flips of the axes that the network sees.

    ``predictor(sample)``, with a sample as data sets give it, returns (*space) uint8 and the probabilities (K, *space) float32
    on the prepared grid.
    """

    def __init__(self, config, checkpoint, *, tta=False):
        self.config = assemble(config)
        self.segmentor = MODELS.build(config.model)
        self.meta = load_weights(self.segmentor, checkpoint)
        self.device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        self.segmentor.to(self.device).eval()
        self.prepare = [TRANSFORMS.build(t) for t in config.get('prepare', [])]
        self.postprocess = [POSTPROCESSORS.build(p) for p in config.get('postprocess', [])]
        self.tta = tta

    @classmethod
    def from_run(cls, run, *, checkpoint='last', tta=False):
        """The predictor of a run folder; ``checkpoint`` is 'last', 'best' or a file."""
        return cls(load_run_config(run), find_checkpoint(run, checkpoint), tta=tta)

    def __call__(self, sample):
        prepared = prepare_case({k: v for k, v in sample.items() if k != 'label'}, self.prepare)
        image = torch.from_numpy(prepared['image'])[None].to(self.device)
        flips = [partial(flip_average, axes=self.flip_axes(image.ndim - 2))] if self.tta else []
        with torch.inference_mode():
            prob = self.segmentor.predict(image, around=flips)[0]
        return label_map(prob, prepared.get('history'), self.postprocess), undo(prob.cpu().numpy(), prepared.get('history'))

    def flip_axes(self, dims):
        """Axes of space, counted from the end, along which the network's windows extend."""
        windows = [f.keywords['window'] for f in self.segmentor.inferers if 'window' in f.keywords]
        window = windows[0] if windows else (None,) * dims
        return tuple(d - dims for d in range(dims) if window[d] != 1)


def test_cases(config, *, images=None, data=None):
    """The whole cases to predict: those of ``test_dataloader`` (or of validation), or every file of the folder ``images``."""
    if images is not None:
        return build(dict(type='FolderDataset', images=str(Path(images).resolve()), classes=config.classes))
    use_data_root(config, data)
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    if not loader:
        raise UserError(f'{config.filename} has neither test_dataloader nor val_dataloader; name a folder with --images')
    return build(loader['dataset']['cases'])


def output_folder(run, checkpoint, meta, *, tta, images):
    """Where predictions go by default: RUN/predictions/last_iter1000_tta."""
    which = checkpoint if checkpoint in ('last', 'best') else Path(checkpoint).stem
    parts = [which, f'iter{meta["iter"]}' if 'iter' in meta else '', 'tta' if tta else '',
             Path(images).resolve().name if images else '']
    return Path(run) / 'predictions' / '_'.join(filter(None, parts))


def predict_cases(predictor, cases, out, *, save_prob=False):
    """Predict and write every case; yields ``(name, None or the UserError)`` after each.

    Files are ``out/NAME.nii.gz`` (uint8 class indices) and, with ``save_prob``, ``out/NAME_prob.nii.gz`` (float32, classes along
    the fourth axis), in the geometry of the case's image.

    Raises:
        UserError: ``out`` holds files of that name which are not predictions of ours.
    """
    out = Path(out)
    taken = [n for n in case_names(cases) if (out / f'{n}.nii.gz').exists()]
    if taken and not (out / MANIFEST).exists():
        raise UserError(f'{out} already holds {taken[0]}.nii.gz, which is no prediction of this program; choose another --out')
    for i, name in enumerate(case_names(cases)):
        try:
            sample = cases[i]
            label, prob = predictor(sample)
        except UserError as error:
            yield name, error
            continue
        write_nifti(out / f'{name}.nii.gz', label, sample['geometry'])
        if save_prob:
            write_nifti(out / f'{name}_prob.nii.gz', prob, sample['geometry'])
        yield name, None


def case_names(cases):
    """Names of a data set of whole cases, without reading their images where it knows them."""
    return list(cases.names) if hasattr(cases, 'names') else [cases[i]['name'] for i in range(len(cases))]


def write_manifest(out, predictor, checkpoint_file, run, names, *, images=None):
    """Note beside the predictions what made them."""
    digest = hashlib.sha256(Path(checkpoint_file).read_bytes()).hexdigest()
    write_json(Path(out) / MANIFEST, dict(
        run=str(Path(run).resolve()), checkpoint=str(Path(checkpoint_file).resolve()), checkpoint_sha256=digest,
        iteration=predictor.meta.get('iter'), tta=predictor.tta, cases=names, images=str(images) if images else None))
