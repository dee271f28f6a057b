"""What a stored case was made from: the content of files, and the code that prepared it."""
from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scarceseg.registry import UserError

RECENT_S = 2.0  # a file changed so lately may change again within the resolution of its time stamp


class ContentHashes:
    """SHA-256 of files, remembered by path, size and time of change, so that an unchanged file is read once.

    Args:
        memory: a text file with a line for each hash, shared by processes; where it cannot be written nothing is remembered.
    """

    def __init__(self, memory):
        self.memory = Path(memory)
        self._known = None

    def of(self, path):
        """Hexadecimal hash of a file's content, or of the names and contents of a folder's files.

        Raises:
            UserError: it cannot be read.
        """
        if os.path.isdir(path):
            parts = [[name, self.of(os.path.join(path, name))] for name in sorted(os.listdir(path))]
            return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        if self._known is None:
            self._known = self._recall()
        try:
            state = os.stat(path)
            facts = [state.st_size, state.st_mtime_ns]
            known = self._known.get(path)
            if known and known[:2] == facts:
                return known[2]
            digest = hash_of(path)
        except OSError as error:
            raise UserError(f'{path} cannot be read ({error.strerror}); is it still there?') from error
        if time.time() - state.st_mtime > RECENT_S:
            self._known[path] = [*facts, digest]
            self._note(path, [*facts, digest])
        return digest

    def _recall(self):
        known = {}
        with suppress(OSError), self.memory.open(encoding='utf-8') as lines:
            for line in lines:
                with suppress(ValueError, TypeError):  # a line that was cut off is as good as none
                    path, size, changed, digest = json.loads(line)
                    known[path] = [size, changed, digest]
        return known

    def _note(self, path, facts):
        line = json.dumps([path, *facts]) + '\n'
        with suppress(OSError):
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.memory, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line.encode())  # in one piece, at the end, whoever else writes
            finally:
                os.close(handle)


def hash_of(path):
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(2 ** 20):
            digest.update(block)
    return digest.hexdigest()


def resolve_files(key, hashes):
    """A key with the content's hash in the place of each file."""
    if isinstance(key, dict) and set(key) == {'file'}:
        return {'content': hashes.of(key['file'])}
    if isinstance(key, dict):
        return {k: resolve_files(v, hashes) for k, v in key.items()}
    return [resolve_files(v, hashes) for v in key] if isinstance(key, (list, tuple)) else key


def code_key(*functions):
    """What tells that code is still the same: this package's version, and the source of the modules of functions and classes."""
    modules = {getattr(getattr(f, 'func', f), '__module__', None) for f in functions}
    sources = {}
    for name in sorted(m for m in modules if m and m.partition('.')[0] not in ('builtins', 'torch', 'typing')):
        file = getattr(sys.modules.get(name), '__file__', None)
        sources[name] = hash_of(file)[:16] if file and os.path.isfile(file) else None
    try:
        release = version('scarceseg')
    except PackageNotFoundError:
        release = None
    return {'release': release, 'sources': sources}
