"""Prepared cases, decoded once: kept in memory, or as memory-mapped files."""
from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

VERSION = 2  # of what preparing a case does; raise it and old files are not read any more


def load_all(load, count, *, threads=None):
    """``[load(0), …, load(count - 1)]``, several at a time: decompression and NumPy leave Python's lock."""
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(load, range(count)))


class StoredSample(Mapping):
    """A sample of a ``DiskStore``; an array is mapped when it is asked for, so that thousands of samples hold no file open."""

    def __init__(self, place):
        self.place = place
        self.plain = json.loads((place / 'plain.json').read_text(encoding='utf-8'))
        self.arrays = sorted(f.stem for f in place.glob('*.npy'))

    def __getitem__(self, key):
        return np.load(self.place / f'{key}.npy', mmap_mode='r') if key in self.arrays else self.plain[key]

    def __contains__(self, key):
        return key in self.arrays or key in self.plain

    def __iter__(self):
        return iter([*self.plain, *self.arrays])

    def __len__(self):
        return len(self.plain) + len(self.arrays)


class DiskStore:
    """Samples whose arrays lie in .npy files and are memory-mapped, shared by all processes through the page cache.

    An entry is one folder, named by a hash of what it was made from; it is written beside its place and renamed, so that
    several processes may write at once and a killed one leaves no half entry.

    Args:
        folder: where entries lie; made when needed.
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()

    def get(self, key, make):
        """The sample stored under ``key`` (any JSON-able description), made by ``make()`` where it is not there yet.

        Arrays and JSON-able values come back, as a ``StoredSample``; anything else in the sample does not.
        """
        digest = hashlib.sha256(json.dumps([VERSION, key], sort_keys=True).encode()).hexdigest()[:32]
        place = self.folder / digest
        if not place.is_dir():
            self._write(place, make())
        return StoredSample(place)

    def _write(self, place, sample):
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix='.writing_', dir=self.folder))
        try:
            for name, value in sample.items():
                if isinstance(value, np.ndarray):
                    np.save(draft / f'{name}.npy', value)
            plain = {k: v for k, v in sample.items() if v is None or isinstance(v, (str, int, float, tuple, list))}
            (draft / 'plain.json').write_text(json.dumps(plain), encoding='utf-8')
            os.replace(draft, place)
        except OSError:
            if not place.is_dir():  # another process was not faster: a real failure
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def file_key(*files):
    """Name, size and time of change of files: what tells that a stored case is still that of the files."""
    return [[str(f), os.stat(f).st_size, os.stat(f).st_mtime_ns] for f in files if f is not None]
