"""Files that appear whole or not at all."""
import os
import secrets
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft_of(path):
    """A file beside ``path`` with its ending, in small letters, which takes its place once the block has ended without an error.

    The folder is made where it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f'.writing_{secrets.token_hex(4)}_{path.name.lower()}')
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
