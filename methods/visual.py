"""Curves as a table."""
from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from mmengine.visualization.vis_backend import BaseVisBackend, force_init_env

from scarceseg.registry import VISBACKENDS

FILE = 'curves.csv'
COLUMNS = ('iteration', 'name', 'value')


@VISBACKENDS.register_module()
class CsvVisBackend(BaseVisBackend):
    """Every logged number as a row ``iteration, name, value`` of ``curves.csv``; names are like 'train/loss', 'val/dice/mean'.

    Args:
        save_dir: folder of the file; an existing file is continued.
    """

    def _init_env(self):
        path = Path(self._save_dir) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self._file = path.open('a', newline='', encoding='utf-8')
        self._writer = csv.writer(self._file)
        if new:
            self._writer.writerow(COLUMNS)

    @property
    @force_init_env
    def experiment(self):
        """The CSV writer."""
        return self._writer

    @force_init_env
    def add_scalar(self, name, value, step=0, **_):
        """Write one row."""
        self._writer.writerow((step, name, f'{float(value):.8g}'))

    @force_init_env
    def add_scalars(self, scalar_dict, step=0, file_path=None, **_):
        """Write a row for each number, and flush, so that a killed run keeps them."""
        for name, value in scalar_dict.items():
            if '/' in name:  # 'iter' and 'epoch' say nothing that step does not
                self.add_scalar(name, value, step)
        self._file.flush()

    def close(self):
        if self._env_initialized:
            self._file.close()
            self._env_initialized = False


def read_curves(path):
    """``{name: [(iteration, value), …]}`` of a ``curves.csv``."""
    curves = defaultdict(list)
    with Path(path).open(newline='', encoding='utf-8') as handle:
        for row in csv.DictReader(handle):
            curves[row['name']].append((int(row['iteration']), float(row['value'])))
    return dict(curves)


def cut_curves(path, iteration):
    """Drop the rows behind ``iteration``, which a resumed run is going to write again."""
    path = Path(path)
    if not path.exists():
        return
    with path.open(newline='', encoding='utf-8') as handle:
        header, *rows = list(csv.reader(handle)) or [COLUMNS]
    draft = path.with_suffix('.draft')
    with draft.open('w', newline='', encoding='utf-8') as handle:
        csv.writer(handle).writerows([header, *(r for r in rows if int(r[0]) <= iteration)])
    draft.replace(path)
