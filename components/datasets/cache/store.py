"""Prepared cases, decoded once: kept in memory, or as memory-mapped files."""
from __future__ import annotations

import errno
import hashlib
import json
import math
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scarceseg.registry import UserError

from .contents import ContentHashes, resolve_files

VERSION = 5  # of what ``code_key`` does not see, as the form of an entry; raise it and old entries are not read any more
ATTEMPTS = 3  # to read an entry that may be removed and written in between
ENTRY, HASHES, DRAFT, OWNER = 'entry.json', 'hashes.jsonl', '.writing_', 'scarceseg'


def default_folder():
    """Where prepared cases are kept: $SCARCESEG_CACHE, or ~/.cache/scarceseg."""
    return os.environ.get('SCARCESEG_CACHE') or '~/.cache/scarceseg'


def file_key(*files):
    """What stands for the content of files in the key of a stored case; None where there is no file."""
    return [None if f is None else {'file': os.path.abspath(f)} for f in files]


def load_all(load, count, *, threads=None):
    """``[load(0), …, load(count - 1)]``, several at a time: decompression and NumPy leave Python's lock."""
    with ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(load, range(count)))


class StoredArray(NamedTuple):
    """Where the numbers of a .npy file are, so that mapping it does not begin with parsing its header."""

    size_bytes: int
    offset: int
    shape: list
    dtype: str


class StoredSample(Mapping):
    """A sample of a ``DiskStore``; an array is mapped when it is asked for, so that thousands of samples hold no file open.

    Of a mapped array only what is used is read: a patch costs a patch.

    Raises:
        UserError: the entry is incomplete, or has gone since.
    """

    def __init__(self, place):
        self.place = place
        try:
            content = json.loads((place / ENTRY).read_text(encoding='utf-8'))
            self.plain = content['plain']
            self.arrays = {name: StoredArray(*facts) for name, facts in content['arrays'].items()}
            whole = all((place / f'{name}.npy').stat().st_size == stored.size_bytes for name, stored in self.arrays.items())
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise UserError(f'the stored case {place} is damaged; remove that folder, and it is prepared anew')

    def __getitem__(self, key):
        if key not in self.arrays:
            return self.plain[key]
        stored = self.arrays[key]
        try:
            with open(f'{self.place}/{key}.npy', 'rb', buffering=0) as file:
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise UserError(f'the stored case {self.place} was removed while it was in use; start again') from error
        count = math.prod(stored.shape)
        numbers = np.frombuffer(memory, stored.dtype, count, stored.offset) if count else np.zeros(0, stored.dtype)
        return numbers.reshape(stored.shape)

    def __contains__(self, key):
        return key in self.arrays or key in self.plain

    def __iter__(self):
        return iter([*self.plain, *self.arrays])

    def __len__(self):
        return len(self.plain) + len(self.arrays)


class DiskStore:
    """Samples whose arrays lie in .npy files and are memory-mapped, shared by all processes through the page cache.

    An entry is one folder, named by a hash of what it was made from: the content of the files, not their names or dates. It is
    written beside its place and renamed, so that several processes may write at once, none sees half an entry and a killed one
    leaves none. A store that cannot be written is used where it has what is asked for.

    Args:
        folder: where entries lie; made when needed.
    """

    def __init__(self, folder):
        self.folder = Path(folder).expanduser()
        self.hashes = ContentHashes(self.folder / HASHES)

    def get(self, key, make):
        """The sample stored under ``key``, made by ``make()`` where it is not there yet.

        Arrays, numbers, strings and lists of them come back, as a ``StoredSample``; anything else in the sample does not.

        Args:
            key: any JSON-able description; a ``file_key`` in it stands for the content of files.

        Raises:
            UserError: a file of the key cannot be read, or the entry cannot be written.
        """
        place = self.place(key)
        for attempt in range(ATTEMPTS):
            if not place.is_dir():
                self._write(place, key, make())
            with suppress(OSError):
                os.utime(place / ENTRY)  # when it was last used
            try:
                return StoredSample(place)
            except UserError:  # damaged, or removed by another process just now
                if attempt == ATTEMPTS - 1:
                    raise

    def place(self, key):
        """The folder of the entry of ``key``, be it there or not."""
        text = json.dumps([VERSION, resolve_files(key, self.hashes)], sort_keys=True, default=np.generic.item)
        return self.folder / hashlib.sha256(text.encode()).hexdigest()[:32]

    def _write(self, place, key, sample):
        draft = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self.folder))
            arrays = {k: v for k, v in sample.items() if isinstance(v, np.ndarray)}
            facts = {name: _save(draft / f'{name}.npy', value) for name, value in arrays.items()}
            plain = {k: v for k, v in sample.items() if v is None or isinstance(v, (str, int, float, tuple, list, np.generic))}
            content = dict(owner=OWNER, version=VERSION, made=time.time(), key=key, plain=plain, arrays=facts)
            (draft / ENTRY).write_text(json.dumps(content, default=np.generic.item), encoding='utf-8')
            os.chmod(draft, 0o755)  # mkdtemp hides it from other users, who may share a store
            os.replace(draft, place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) and not place.is_dir():  # another process was not faster
                raise UserError(f'case {sample.get("name", "")} cannot be kept in the store {self.folder} '
                                f'({error.strerror or error}); make room there, choose another folder with $SCARCESEG_CACHE, or '
                                "set cache='memory'") from error
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)


def _save(path, array):
    """Write an array that is read by ``StoredSample``; gives its ``StoredArray``."""
    array = np.asarray(array, order='C')
    np.save(path, array, allow_pickle=False)
    size = path.stat().st_size
    return StoredArray(size, size - array.nbytes, array.shape, array.dtype.str)
