"""Training a config, from its file to the curves."""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import shutil
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import barrier, broadcast_object_list, init_dist, is_distributed, is_main_process
from mmengine.runner import Runner

from scarceseg.components.datasets.checks import check_before_training
from scarceseg.registry import MODELS, UserError, use_data_root
from scarceseg.registry.paths import DATA_VARIABLE, data_root

from .assembly import RUNNER, assemble
from .console import make_logger
from .hooks import LAST
from .networks import check_pretrained
from .recording import RecordHook
from .reports.reporting import refresh_report
from .runs import (
    CONFIG,
    LOG,
    RECORD,
    find_run,
    load_run_config,
    load_weights,
    new_folder,
    new_record,
    read_checkpoint,
    read_json,
    versions,
    write_json,
)

# what may not change when a run is resumed
FIXED = ('model', 'prepare', 'transforms', 'part_transforms', 'optim_wrapper', 'randomness')
_runs = itertools.count()  # mmengine keeps logs and scalars by name for as long as the process lives


class RunnerConfig(Config):
    """A config whose text is made once: that takes a third of a second, and mmengine asks for it at every checkpoint."""

    @property
    def pretty_text(self):
        if '_made' not in self.__dict__:
            object.__setattr__(self, '_made', super().pretty_text)
        return self._made


class QuietRunner(Runner):
    """mmengine's Runner, whose screen shows the essential and whose file the rest."""

    def build_logger(self, log_level='INFO', log_file=None, **_):
        return make_logger(self._experiment_name, log_file or Path(self.work_dir) / LOG)

    def _log_env(self, env_cfg):
        """Machine and versions, without mmengine's import of torchvision, which fails where its version does not fit torch's."""
        facts = {**versions(), 'machine': platform.platform(), 'GPUs': torch.cuda.device_count(), 'processes': self._world_size,
                 'threads': torch.get_num_threads(), 'seed': self.seed, **env_cfg}
        self.logger.info('\n--- ' + ', '.join(f'{k} {v}' for k, v in facts.items()))
        self.logger.info(f'Config:\n{self.cfg.pretty_text}')

    def dump_config(self):
        """The run has its ``config.py`` already; of mmengine's own folder of logs nothing is needed."""
        with contextlib.suppress(OSError):
            Path(self.log_dir).rmdir()


def train(config, *, work_dir=None, root='work_dirs', data=None, resume=False, seed=None, launcher='none', check=True,
          options=None):
    """Train a config to the end.

    Args:
        config: from ``load_config``; it is completed in place.
        work_dir: folder of the run; default a new one under ``root``, named after the config.
        root: where runs without ``work_dir`` lie.
        data: folder that data paths are relative to; see ``use_data_root``.
        resume: continue the run in ``work_dir``, or the newest run of this config.
        seed: overrides the config's.
        launcher: 'none', 'pytorch', 'slurm' or 'mpi'.
        check: look at the headers of all files first, and at who is on both sides of a split; see ``quick_check``.
        options: what the command line changed in the config, {'a.b': value}; it is only noted, for the report.

    Returns:
        The run folder.

    Raises:
        UserError: anything in the config or the data that does not fit, before the first iteration.
    """
    use_data_root(config, data)
    if seed is not None:
        config.setdefault('randomness', {})['seed'] = seed
    assemble(config)
    check_pretrained(config.model.networks, None if resume else config.get('load_from'), resume)
    joined = start_processes(config, launcher)
    folder = claim_folder(config, work_dir or config.get('work_dir'), root, resume)
    config.work_dir, config.launcher = str(folder), launcher
    if resume:
        continue_run(config, folder, data)
    elif config.get('load_from'):
        load_weights(MODELS.build(config.model), config.load_from)  # all of them fit, or it says so
    warnings = check_before_training(config) if check else []
    existed, runner = folder.exists(), None
    try:
        runner = build_runner(config, folder)
        runner.register_hook(RecordHook(options))
        for sentence in warnings:
            runner.logger.warning(sentence)
        runner.train()
    except Exception:
        begun = runner is not None and runner.message_hub.get_info('iter', 0)
        if not existed and not begun and is_main_process():
            shutil.rmtree(folder, ignore_errors=True)  # nothing was trained: leave no empty run behind
        raise
    if is_main_process():
        info = runner.message_hub.runtime_info
        best = {k: info[k] for k in ('best_score', 'best_iteration') if k in info}
        write_json(folder / RECORD, {**read_json(folder / RECORD), 'status': 'finished', 'iterations': runner.iter, **best})
        refresh_report(folder)
    if joined:  # a process that ends while the others still talk to it may end in an abort
        barrier()
        torch.distributed.destroy_process_group()
    return folder


def start_processes(config, launcher):
    """Join the other processes, before anything is decided that all must agree on; returns whether that was still to be done.

    Without GPUs the processes talk by gloo, and the model is wrapped without a device, for which mmengine has no default.
    """
    if launcher == 'none':
        return False
    joined = not is_distributed()
    if launcher == 'pytorch' and 'RANK' not in os.environ:
        raise UserError('--launcher pytorch is for processes that torchrun starts: torchrun --nproc_per_node=N tools/train.py …')
    if torch.cuda.is_available():
        if joined:
            init_dist(launcher, **config.get('env_cfg', {}).get('dist_cfg', {'backend': 'nccl'}))
        return joined
    if launcher != 'pytorch':
        raise UserError(f'--launcher {launcher} needs GPUs; on CPUs use torchrun and --launcher pytorch')
    if joined:
        torch.distributed.init_process_group('gloo')
    config.setdefault('model_wrapper_cfg', dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False))
    return joined


def claim_folder(config, work_dir, root, resume):
    """The run folder, chosen by the first process for all."""
    stem, fold = Path(config.filename).stem, config.get('fold')
    chosen = [None]
    if is_main_process():
        chosen = [find_run(work_dir, root=root, stem=stem, fold=fold) if resume
                  else new_folder(work_dir, f'{stem}_fold{fold}' if fold else stem, root)]
    broadcast_object_list(chosen)
    return chosen[0]


def continue_run(config, folder, data):
    """Let ``config`` continue the run in ``folder``, with the run's data unless others are given.

    Raises:
        UserError: there is nothing to resume, nothing left to do, or the config is not the run's.
    """
    if not (folder / LAST).is_file():
        raise UserError(f'{folder} has no {LAST} to resume from; remove the folder and train anew')
    done, wanted = read_checkpoint(folder / LAST)['meta']['iter'], config.train_cfg.max_iters
    if done >= wanted and read_json(folder / RECORD)['status'] == 'finished':
        raise UserError(f'{folder} is finished: {done} of {wanted} iterations; to go on from its weights start another run with '
                        f'--cfg-options load_from={folder / LAST}')
    before = load_run_config(folder)
    changed = [k for k in FIXED if _plain(before.get(k)) != _plain(config.get(k))]
    if changed:
        raise UserError(f'{folder} was trained with another {", ".join(changed)} than {config.filename} says; resume with its own '
                        f'config: train.py {folder / CONFIG} --resume --work-dir {folder}')
    if data is None and DATA_VARIABLE not in os.environ:
        use_data_root(config, data_root(before))
    config.resume, config.load_from = True, str(folder / LAST)


def _plain(entry):
    return json.dumps(entry, sort_keys=True, default=str)


def build_runner(config, folder):
    """mmengine's Runner of an assembled config, with a quiet start and everything in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    config.experiment_name = f'{folder.resolve().as_posix()}#{next(_runs)}'
    for backend in (config.get('visualizer') or {}).get('vis_backends', []):
        backend.setdefault('save_dir', str(folder if backend['type'] == 'CsvVisBackend' else folder / 'tensorboard'))
    arguments = {k: config[k] for k in config if k in RUNNER or k in ('train_dataloader', 'val_dataloader')}
    runner_config = RunnerConfig(arguments, filename=config.filename)
    if is_main_process() and not config.get('resume'):
        config.dump(str(folder / CONFIG))
        write_json(folder / RECORD, new_record(config, (config.get('randomness') or {}).get('seed')))
    return QuietRunner.from_cfg(runner_config)
