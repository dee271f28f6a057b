"""What lies in a store, and removing it: entries of ours and nothing else."""
from __future__ import annotations

import json
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from scarceseg.registry import UserError

from .store import DRAFT, ENTRY, OWNER

DAY_S = 86_400
ABANDONED_S = 3600  # a draft that nobody has written to for so long is of a process that was killed


class Entry(NamedTuple):
    """A stored case.

    Attributes:
        place: its folder.
        name: of the case, or '' of an abandoned draft.
        size_bytes: of its files.
        idle_days: since it was last used.
    """

    place: Path
    name: str
    size_bytes: int
    idle_days: float


def list_entries(folder):
    """Every ``Entry`` of the store in ``folder``, abandoned drafts among them, the longest unused first.

    Only a folder that is named as ours are and holds nothing but what we write counts; links are never followed.
    """
    folder, now = Path(folder).expanduser(), time.time()
    entries = []
    for place in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):  # another process may be removing it
            files = ours(place)
            if files is None:
                continue
            facts = [f.stat() for f in files] or [place.stat()]
            draft = place.name.startswith(DRAFT)
            last = max(f.st_mtime for f in facts) if draft else (place / ENTRY).stat().st_mtime
            if not draft or now - last > ABANDONED_S:
                name = '' if draft else str(read_entry(place).get('plain', {}).get('name', ''))
                entries.append(Entry(place, name, sum(f.st_size for f in facts if files), (now - last) / DAY_S))
    return sorted(entries, key=lambda e: (-e.idle_days, e.place))


def ours(place):
    """The files of a folder that this package wrote into a store, or None where it is anything else."""
    if place.is_symlink() or not place.is_dir():
        return None
    files = sorted(place.iterdir())
    if any(f.is_symlink() or not f.is_file() or not (f.suffix == '.npy' or f.name == ENTRY) for f in files):
        return None
    if place.name.startswith(DRAFT):
        return files
    if not re.fullmatch('[0-9a-f]{32}', place.name) or read_entry(place).get('owner') != OWNER:
        return None
    return files


def read_entry(place):
    """What an entry says of itself; empty where it says nothing."""
    with suppress(OSError, ValueError):
        content = json.loads((place / ENTRY).read_text(encoding='utf-8'))
        return content if isinstance(content, dict) else {}
    return {}


def remove_entry(place):
    """Remove a stored case: it goes out of the way as a whole, then file by file.

    Returns:
        Whether it was there, and ours.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        if ours(place) is None:
            return False
        aside = place.with_name(f'{DRAFT}{secrets.token_hex(8)}')
        place.rename(aside)
        for file in ours(aside) or ():  # listed again: another process may have removed and written it in between
            file.unlink()
        aside.rmdir()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UserError(f'the stored case {place} cannot be removed ({error.strerror}); may you write there?') from error
    return True
