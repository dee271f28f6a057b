"""What is wrong with single cases: the first ends it all, or, where someone takes stock, all of them are noted."""
from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar

from scarceseg.registry import UserError

_notes = ContextVar('notes', default=None)


@contextmanager
def collecting():
    """While this block builds data sets, what ``noted`` sees is put down instead of raised.

    Yields:
        A list that grows: (name of a case, the sentence).
    """
    notes = []
    token = _notes.set(notes)
    try:
        yield notes
    finally:
        _notes.reset(token)


@contextmanager
def noted(name):
    """A UserError of this block, which is about case ``name`` alone, is raised, or, within ``collecting``, put down."""
    try:
        yield
    except UserError as error:
        if _notes.get() is None:
            raise
        _notes.get().append((name, str(error)))
