"""HTML of nested calls, in which every text is escaped unless it is HTML already."""
from __future__ import annotations

from html import escape

VOID = ('meta', 'br', 'img', 'hr')


class Html(str):
    """Text that is HTML already."""


def tag(name, /, *content, **attributes):
    """An element: ``tag('td', text, class_='number')``; ``stroke_width`` is stroke-width, an attribute that is None is left out."""
    said = ''.join(f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items()
                   if value is not None)
    return Html(f'<{name}{said}>' if name in VOID else f'<{name}{said}>{join(*content)}</{name}>')


def join(*content):
    """Texts, HTML and lists of both in a row; None is nothing."""
    parts = []
    for part in content:
        if isinstance(part, (list, tuple)) or hasattr(part, '__next__'):
            parts.append(join(*part))
        elif part is not None:
            parts.append(part if isinstance(part, Html) else escape(str(part)))
    return Html(''.join(parts))


def table(header, rows, *, caption, numbers=(), last_bold=False):
    """A table with a row of headings, whose first column heads its rows.

    Args:
        header: a text for each column.
        rows: as many cells, texts or HTML, for each row.
        caption: what the table is, for those who do not see it beside its heading.
        numbers: indices of the columns that are aligned to the right.
        last_bold: the last row sums up the others.
    """
    right = ['number' if k in numbers else None for k in range(len(header))]
    head = tag('tr', [tag('th', cell, scope='col', class_=c) for cell, c in zip(header, right)])
    body = [tag('tr', [tag('td', cell, class_=c) if k else tag('th', cell, scope='row')
                       for k, (cell, c) in enumerate(zip(row, right))],
                class_='sum' if last_bold and row is rows[-1] else None) for row in rows]
    return scrolling(tag('table', tag('caption', caption), tag('thead', head), tag('tbody', body)), caption)


def scrolling(wide, caption):
    """Something wide in a box that scrolls by itself, by keyboard too, so that the page does not."""
    return tag('div', wide, class_='scroll', tabindex=0, role='region', aria_label=caption)


def facts_list(facts):
    """Terms and what is said of them."""
    return tag('dl', [tag('div', tag('dt', term), tag('dd', said)) for term, said in facts], class_='facts')
