"""What a stored case was made from: the content of files, and the code that prepared it."""
from __future__ import annotations

import hashlib
import inspect
import json
import os
import re
import sys
import sysconfig
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scarceseg.registry import UserError

RECENT_S = 2.0  # a file changed so lately may change again within the resolution of its time stamp
HEADERS = ('.mhd', '.nhdr')  # files that name others, in which the voxels are
INSTALLED = ('/site-packages/', '/dist-packages/', f'{sysconfig.get_path("stdlib")}/')  # in the path of code that is not the user's


class ContentHashes:
    """SHA-256 of files, remembered by path, size and times of change, so that an unchanged file is read once.

    A file that is put in the place of another has a new time of change of its status, even where it has the other's size and
    date, as after ``cp -p`` or from an archive without dates.

    Args:
        memory: a text file with a line for each hash, shared by processes; where it cannot be written nothing is remembered.
    """

    def __init__(self, memory):
        self.memory = Path(memory)
        self._known = None

    def of(self, path):
        """Hexadecimal hash of a file's content, with that of the files that a header names; of a folder's files and their names.

        Raises:
            UserError: it cannot be read.
        """
        if os.path.isdir(path):
            return _joint([name, self.of(os.path.join(path, name))] for name in sorted(os.listdir(path)))
        try:
            if str(path).lower().endswith(HEADERS):
                return _joint([self._of_file(file) for file in (path, *named_files(path))])
            return self._of_file(path)
        except OSError as error:
            raise UserError(f'{path} cannot be read ({error.strerror}); is it still there?') from error

    def _of_file(self, path):
        if self._known is None:
            self._known = self._recall()
        state = os.stat(path)
        facts = [state.st_size, state.st_mtime_ns, state.st_ctime_ns]
        known = self._known.get(path)
        if known and known[:3] == facts:
            return known[3]
        digest = hash_of(path)
        if time.time() - max(state.st_mtime, state.st_ctime) > RECENT_S:
            self._known[path] = [*facts, digest]
            self._note(path, [*facts, digest])
        return digest

    def _recall(self):
        known = {}
        with suppress(OSError), self.memory.open(encoding='utf-8', errors='replace') as lines:
            for line in lines:
                with suppress(ValueError, TypeError):  # a line that was cut off is as good as none
                    path, size, changed, status_changed, digest = json.loads(line)
                    known[path] = [size, changed, status_changed, digest]
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


def _joint(parts):
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()


def named_files(header):
    """The files that a .mhd or .nhdr file names, in the order of their names; all of its folder where it has a pattern."""
    folder = os.path.dirname(header)
    with open(header, 'rb') as file:
        lines = file.read(2 ** 20).decode('latin-1').splitlines()
    names = {re.split('[=:]', line, maxsplit=1)[-1].strip() for line in lines}
    if any('%' in name for name in names):
        names.update(os.listdir(folder or '.'))
    files = {os.path.join(folder, name) for name in names - {'', os.path.basename(header)}}
    return sorted(file for file in files if os.path.isfile(file))


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
    """What tells that code is still the same: this package's version, and the source of the modules of functions and classes.

    The modules from which those import functions and classes belong to them, and so on, but of other packages that are installed
    only the module itself.
    """
    modules, todo = set(), {getattr(getattr(f, 'func', f), '__module__', None) for f in functions}
    while todo:
        name = todo.pop()
        modules.add(name)
        todo.update(_imported(name) - modules)
    sources = {}
    for name in sorted(m for m in modules if m and m.partition('.')[0] not in ('builtins', 'torch', 'typing')):
        file = getattr(sys.modules.get(name), '__file__', None)
        sources[name] = hash_of(file)[:16] if file and os.path.isfile(file) else None
    try:
        release = version('scarceseg')
    except PackageNotFoundError:
        release = None
    return {'release': release, 'sources': sources}


def _imported(name):
    """Names of the modules, ours or the user's, whose functions and classes a module uses, or which it uses as a whole."""
    module = sys.modules.get(name)
    if module is None or not _followed(name):
        return set()
    values = list(vars(module).values())
    found = {getattr(v, '__module__', None) for v in values if inspect.isroutine(v) or inspect.isclass(v)}
    if not hasattr(module, '__path__'):  # what modules a package holds depends on what was imported before
        found.update(v.__name__ for v in values if inspect.ismodule(v))
    return {other for other in found if isinstance(other, str) and _followed(other)}


def _followed(name):
    file = getattr(sys.modules.get(name), '__file__', None)
    return bool(file) and (name.partition('.')[0] == 'scarceseg' or not any(place in file for place in INSTALLED))
