"""Predicting with several trained runs, such as the folds of a cross-validation."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path

from scarceseg.components.datasets.parts.datasets import build
from scarceseg.registry import UserError, use_data_root

from .prediction import Predictor, case_names, make_manifest, output_folder
from .runs import find_checkpoint

SAME = ('classes', 'prepare', 'postprocess')  # what a case is before and after the networks


class Ensemble:
    """The mean of the probabilities of several runs, as one predictor.

    The case is prepared once, every network predicts it with its own inferers, and the mean becomes the label map. With GPUs
    only the network that predicts is on the device; the others wait in the memory of the host.

    Args:
        runs: run folders.
        checkpoint: 'last' or 'best', of every run.
        tta: average over the flips of the axes that the networks see.

    Raises:
        UserError: the runs differ in what a case is before or after the networks.
    """

    def __init__(self, runs, *, checkpoint='last', tta=False):
        if checkpoint not in ('last', 'best'):
            raise UserError(f'--checkpoint {checkpoint} is one file, but there are {len(runs)} runs; give last or best')
        if len({Path(run).resolve() for run in runs}) < len(runs):
            raise UserError(f'a run is named twice among {", ".join(map(str, runs))}; it would count twice')
        self.runs, self.files = [Path(run) for run in runs], [find_checkpoint(run, checkpoint) for run in runs]
        self.members = []
        for run in runs:
            self.members.append(Predictor.from_run(run, checkpoint=checkpoint, tta=tta))
            self.members[-1].segmentor.to('cpu')
        self.first, self.tta = self.members[0], tta
        self.config, iterations = self.first.config, {m.meta.get('iter') for m in self.members}
        self.meta = {'iter': iterations.pop()} if len(iterations) == 1 else {}
        for run, member in zip(runs, self.members):
            differing = [k for k in SAME if _plain(member.config.get(k)) != _plain(self.config.get(k))]
            if differing:
                raise UserError(f'{runs[0]} and {run} have another {", ".join(differing)}, so that their probabilities have no '
                                'mean; an ensemble is of networks for the same classes and preparation')

    def __call__(self, sample):
        prepared, total = self.first.prepared(sample), 0
        for member in self.members:
            member.segmentor.to(member.device)
            total = total + member.probabilities(prepared)
            member.segmentor.to('cpu')
        return self.first.finished(total / len(self.members), prepared)


    def manifest(self, *, images=None):
        """As ``make_manifest``: the first run and checkpoint, a hash of all checkpoints, and in ``ensemble`` each by itself."""
        each = [make_manifest(*m) for m in zip(self.members, self.files, self.runs)]
        whole = make_manifest(self.first, self.files[0], self.runs[0], images=images)
        members = [{k: one[k] for k in ('run', 'checkpoint', 'checkpoint_sha256', 'iteration')} for one in each]
        return dict(whole, iteration=self.meta.get('iter'), checkpoint_sha256=joint_hash([m['checkpoint_sha256'] for m in members]),
                    ensemble=members)

    def output_folder(self, checkpoint, *, images=None):
        """Where predictions go by default: below the first run, ensemble5-ab12cd_last_iter1000_tta."""
        plain = output_folder(self.runs[0], checkpoint, self.meta, tta=self.tta, images=images)
        mark = joint_hash([str(run.resolve()) for run in self.runs])[:6]
        return plain.with_name(f'ensemble{len(self.runs)}-{mark}_{plain.name}')


def joint_hash(hashes):
    """One hash of several, whatever their order."""
    return hashlib.sha256('\n'.join(sorted(hashes)).encode()).hexdigest()


def check_unseen(ensemble, cases, data=None):
    """Raise UserError where a run of an ensemble was trained on a case that is to be predicted.

    So it is where the test cases of a fold are its validation cases: the other folds have learned from them.
    """
    names = set(case_names(cases))
    for run, member in zip(ensemble.runs, ensemble.members):
        use_data_root(member.config, data)
        for part in member.config.train_dataloader.dataset.get('parts', {}).values():
            seen = sorted(names & set(case_names(build(part))))
            if seen:
                raise UserError(f'{run} was trained on {len(seen)} of the {len(names)} test cases of {ensemble.runs[0]}, among '
                                f'them {seen[0]}; folds are judged one by one, an ensemble on other cases: give --images, or '
                                'a config with a test_dataloader')


def _plain(entry):
    return json.dumps(entry, sort_keys=True, default=str)
