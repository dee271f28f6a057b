"""What was found, as one HTML file that needs nothing else."""
from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from scarceseg.components.drafts import draft_of
from scarceseg.registry import UserError

from .tables import class_rows, is_error, notes_on, part_rows, verdict
from .thumbnails import colour_of

STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd; --error: #b00020; --warning: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #181818; --line: #444; --error: #ff6b7f; --warning: #e8b04a } }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 1.8em } .error { color: var(--error); font-weight: 600 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .15em .8em .15em 0; text-align: left;
border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere } .warning { color: var(--warning) }
.cases { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: 170px; font-size: 12px; overflow-wrap: anywhere }
figure img { display: block; width: 160px; image-rendering: pixelated; background: #000; border: 4px solid #000 }
figure.error img { border-color: var(--error) } figure.warning img { border-color: var(--warning) }
figcaption { font-weight: 400; color: var(--ink) } td.error, td.warning, td.kind { white-space: nowrap }
.swatch { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -.1em; border: 1px solid #888 }
"""


def write_page(report, path, *, title, has_background=True):
    """Write a report as a page with tables, problems and a picture of each case; the file appears whole or not at all.

    Args:
        report: from ``check_sources``.
        path: the .html file.
        title: what was checked.
        has_background: whether class 0 is background, which has a colour only where it is drawn in scribbles.

    Raises:
        UserError: the file cannot be written.
    """
    first = 1 if has_background else 0
    drawn = {k for f in report.facts for k in f.voxels or () if k >= first or f.annotated < 1}
    swatches = ''.join(f'<span class="swatch" style="background: rgb{colour_of(k - first)}"></span>{escape(name)}'
                       for k, name in enumerate(report.classes) if k in drawn)
    notes = ''.join(f'<p>{escape(note)}</p>' for note in notes_on(report))
    body = [f'<h1>{escape(title)}</h1>', f'<p class="{_level(report.problems)}">{escape(verdict(report))}</p>',
            '<h2>Parts</h2>', _table(*part_rows(report)), notes, '<h2>Classes</h2>', _table(*class_rows(report)),
            '<h2>Problems</h2>', _problems(report.problems),
            f'<h2>Cases</h2><p>The slice with most foreground.{swatches}</p>']
    for source in report.sources:
        own = [f for f in report.facts if f.part == source.name]
        own.sort(key=lambda f: (not any(map(is_error, f.problems)), not f.problems))
        body.append(f'<h3>{escape(source.name)}</h3><div class="cases">{"".join(map(_figure, own))}</div>')
    page = (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
            f'<style>{STYLE}</style></head><body>\n{chr(10).join(body)}\n</body></html>\n')
    try:
        with draft_of(Path(path)) as draft:
            draft.write_text(page, encoding='utf-8')
    except OSError as error:
        raise UserError(f'the page {path} cannot be written ({error.strerror}); choose another --html') from error


def _table(header, rows):
    if not rows:
        return '<p>–</p>'
    lines = [''.join(f'<th>{escape(str(cell))}</th>' for cell in header)]
    lines += [''.join(f'<td>{escape(str(cell))}</td>' for cell in row) for row in rows]
    return f'<table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'


def _problems(problems):
    if not problems:
        return '<p>none</p>'
    rows = ''.join(f'<tr><td class="{p.level}">{p.level}</td><td class="kind">{p.kind}</td><td>{escape(p.part)}</td>'
                   f'<td>{escape(p.text)}</td></tr>\n' for p in problems)
    return f'<table>{rows}</table>'


def _level(problems):
    return '' if not problems else 'error' if any(map(is_error, problems)) else 'warning'


def _figure(facts):
    """A case with its picture, its numbers and its problems."""
    source = f'data:image/png;base64,{base64.b64encode(facts.picture).decode()}' if facts.picture else ''
    picture = f'<img src="{source}" alt="{escape(facts.case)}" loading="lazy">' if source else ''
    size = '×'.join(map(str, facts.space)) if facts.space else 'not read'
    mm = f', {"×".join(f"{s:.3g}" for s in facts.spacing_mm[::-1])} mm' if facts.spacing_mm else ''
    values = f'<br>{facts.low:.4g} to {facts.high:.4g}' if facts.space else ''
    said = ''.join(f'<br><span class="{p.level}" title="{escape(p.text)}">{p.kind}</span>' for p in facts.problems)
    return (f'<figure class="{_level(facts.problems)}">{picture}<figcaption><b>{escape(facts.case)}</b><br>{size}{mm}{values}{said}'
            '</figcaption></figure>\n')
