"""What is noted of a training in its run.json beside its result: networks, numbers of cases, machine, memory."""
from __future__ import annotations

import platform
import sys
import time
from pathlib import Path

import torch
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook

from .runs import RECORD, read_json, write_json


class RecordHook(Hook):
    """Note what a run is made of once everything is built, and at the end when that was and what it took.

    Args:
        options: settings of the config that the command line changed, {'a.b': value}.
    """

    def __init__(self, options=None):
        self.options = options or {}

    def before_train(self, runner):
        loop = runner.train_loop
        known = {} if runner.iter else {'options': self.options}  # a resumed run keeps those it was started with
        note(runner.work_dir, **known, networks=network_facts(loop.segmentor.networks), cases=case_counts(runner),
             machine=machine())

    def after_train(self, runner):
        note(runner.work_dir, finished=time.strftime('%Y-%m-%dT%H:%M:%S'), **peak_memory())


def note(run, **facts):
    """Add facts to the run.json of a run; only the first process writes."""
    if is_main_process():
        path = Path(run) / RECORD
        write_json(path, {**read_json(path), **facts})


def network_facts(networks):
    """``{name: {'type', 'parameters', 'trained'}}``, numbers of parameters; of an average none is trained."""
    return {name: {'type': type(getattr(network, 'module', network)).__name__,
                   'parameters': sum(p.numel() for p in network.parameters()),
                   'trained': sum(p.numel() for p in network.parameters() if p.requires_grad)}
            for name, network in networks.items()}


def case_counts(runner):
    """``{part: {'cases', 'samples'}}`` of the training, and 'validation' where there is one."""
    dataset = runner.train_loop.dataloader.dataset
    cases, samples = getattr(dataset, 'metainfo', {}).get('parts', {}), getattr(dataset, 'sizes', {})
    counts = {part: {'cases': n, 'samples': samples.get(part, n)} for part, n in cases.items()}
    if runner.val_loop is not None:
        counts['validation'] = {'cases': len(runner.val_loop.dataloader.dataset)}
    return counts


def machine():
    """What computes: system, devices, threads of each process."""
    devices = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())] or ['CPU']
    return {'system': platform.platform(), 'devices': devices, 'processes': get_world_size(), 'threads': torch.get_num_threads()}


def peak_memory():
    """The most memory of this process so far: ``peak_memory_mb`` where the system tells it, ``peak_gpu_memory_mb`` of a GPU."""
    peak = {}
    try:
        import resource  # not on Windows
        unit = 2 ** 20 if sys.platform == 'darwin' else 2 ** 10
        peak['peak_memory_mb'] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2 ** 20)
    except ImportError:
        pass
    if torch.cuda.is_available():
        peak['peak_gpu_memory_mb'] = round(torch.cuda.max_memory_allocated() / 2 ** 20)
    return peak
