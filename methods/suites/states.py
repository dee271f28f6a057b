"""How far a training, its predictions and their evaluation are, by what is on disk."""
from __future__ import annotations

import csv

from scarceseg.components.evaluators import make_measures
from scarceseg.registry import UserError

from ..assembly import assemble
from ..ensemble import joint_hash
from ..evaluation import RESULT
from ..hooks import LAST
from ..prediction import MANIFEST, PROB, file_hash
from ..runs import CONFIG, LOG, RECORD, find_checkpoint, load_run_config, read_json
from ..visual import FILE as CURVES
from .identity import differences, identity

LEFT = {CONFIG, RECORD, LOG, CURVES, f'{LAST}.draft', 'tensorboard'}  # what a training without checkpoint leaves behind


def training_state(run, wanted):
    """How far the training in the folder ``run`` is.

    Args:
        wanted: ``identity`` of the config that is to be trained.

    Returns:
        'none'; 'lost', where it was killed before its first checkpoint; 'begun'; or 'finished'.

    Raises:
        UserError: the folder holds another run, or something else.
    """
    files = {p.name for p in run.iterdir()} if run.is_dir() else set()
    if not files:
        return 'none'
    if LAST not in files:
        strange = sorted(name for name in files - LEFT if not name.startswith('.writing_'))
        if strange:
            raise UserError(f'{run} holds {strange[0]} and no {LAST}; is it yours? Move it away, or choose another --work-dir')
        return 'lost'
    if not {CONFIG, RECORD} <= files:
        raise UserError(f'{run} has a {LAST} but no {CONFIG} or no {RECORD}; move it away, or choose another --work-dir')
    differing = differences(identity(assemble(load_run_config(run))), wanted)
    if differing:
        raise UserError(f'{run} was trained with another {", ".join(differing)} than the suite says; remove it to train anew, or '
                        'choose another --work-dir')
    return 'finished' if read_json(run / RECORD)['status'] == 'finished' else 'begun'


def find_predictions(runs, folder, suite):
    """The folder in ``folder`` with the predictions that a suite asks of these runs, of the checkpoints as they are now, or None.

    Predictions are complete where their manifest names cases, none of them failed.
    """
    hashes = [file_hash(find_checkpoint(run, suite.test['checkpoint'])) for run in runs]
    wanted = dict(checkpoint_sha256=joint_hash(hashes) if len(runs) > 1 else hashes[0], tta=suite.test['tta'], images=None)
    for file in sorted(folder.glob(f'*/{MANIFEST}')):
        manifest = read_json(file)
        complete = manifest['cases'] and not manifest.get('failed')
        probs = not suite.needs_prob or all((file.parent / f'{case}{PROB}.nii.gz').is_file() for case in manifest['cases'])
        if complete and probs and all(manifest.get(key) == value for key, value in wanted.items()):
            return file.parent
    return None


def evaluated(predictions, metrics=None):
    """Whether these very predictions were evaluated with these metrics, or, where they are None, with any."""
    result = predictions / RESULT
    if not (result / 'cases.csv').is_file() or not (result / 'summary.json').is_file():
        return False
    if read_json(result / 'summary.json').get('made_by') != read_json(predictions / MANIFEST):
        return False
    with (result / 'cases.csv').open(newline='', encoding='utf-8') as handle:
        columns = set(next(csv.reader(handle), ()))
    return all(columns & {m.column(None), m.column((1.0, 1.0))} for m in make_measures(metrics or ()))
