"""What was found, as one HTML file that needs nothing else."""
from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from scarceseg.components.drafts import draft_of

from .tables import class_rows, is_error, part_rows, verdict
from .thumbnails import colour_of

STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 1.8em }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } td, th { padding: .15em .8em .15em 0; text-align: left;
border-bottom: 1px solid #ddd; vertical-align: top } .error { color: #b00020; font-weight: 600 } .warning { color: #8a5a00 }
.cases { display: flex; flex-wrap: wrap; gap: 12px } figure { margin: 0; width: 170px; font-size: 12px; overflow-wrap: anywhere }
figure img { display: block; width: 160px; image-rendering: pixelated; background: #000; border: 4px solid #000 }
figure.error img { border-color: #b00020 } figure.warning img { border-color: #e0a000 } figcaption { font-weight: 400; color: #222 }
.swatch { display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; vertical-align: -.1em }
"""


def write_page(report, path, *, title, has_background=True):
    """Write a report as a page with tables, problems and a picture of each case; the file appears whole or not at all.

    Args:
        report: from ``check_sources``.
        path: the .html file.
        title: what was checked.
        has_background: whether class 0 is background, which has no colour.
    """
    first = 1 if has_background else 0
    drawn = {k for f in report.facts for k in f.voxels or ()}
    swatches = ''.join(f'<span class="swatch" style="background: rgb{colour_of(k - first)}"></span>{escape(name)}'
                       for k, name in enumerate(report.classes) if k >= first and k in drawn)
    body = [f'<h1>{escape(title)}</h1>', f'<p class="{_level(report.problems)}">{escape(verdict(report))}</p>',
            '<h2>Parts</h2>', _table(*part_rows(report)), '<h2>Classes</h2>', _table(*class_rows(report)), '<h2>Problems</h2>',
            _problems(report.problems), f'<h2>Cases</h2><p>The slice with most foreground. {swatches}</p>']
    for source in report.sources:
        own = [f for f in report.facts if f.part == source.name]
        own.sort(key=lambda f: (not any(map(is_error, f.problems)), not f.problems))
        body.append(f'<h3>{escape(source.name)}</h3><div class="cases">{"".join(map(_figure, own))}</div>')
    page = (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
            f'<style>{STYLE}</style></head><body>\n{chr(10).join(body)}\n</body></html>\n')
    with draft_of(Path(path)) as draft:
        draft.write_text(page, encoding='utf-8')


def _table(header, rows):
    if not rows:
        return '<p>–</p>'
    lines = [''.join(f'<th>{escape(str(cell))}</th>' for cell in header)]
    lines += [''.join(f'<td>{escape(str(cell))}</td>' for cell in row) for row in rows]
    return f'<table>{"".join(f"<tr>{line}</tr>" for line in lines)}</table>'


def _problems(problems):
    if not problems:
        return '<p>none</p>'
    cells = ((p.level, p.kind, escape(p.part), escape(p.text)) for p in problems)
    rows = ''.join(f'<tr><td class="{level}">{level}</td>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>\n'
                   for level, *rest in cells)
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
