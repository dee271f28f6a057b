"""The page of a run, from its facts."""
from __future__ import annotations

from .curves import curve_figures
from .html import Html, facts_list, join, table, tag
from .results import result_sections, result_tiles
from .style import STYLE

ALONE = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # the browser itself refuses whatever is not in the page


def report_page(facts):
    """A run as one HTML page.

    Args:
        facts: dict of what is known of the run; what is missing or empty is left out. Texts may hold anything, they are escaped.

            - ``title``, ``subtitle``: the name of the run, and a sentence below it
            - ``alerts``: [(level, sentence)], level 'LEAK', 'warning' or 'note'
            - ``tiles``: [(value, what)] beside the mean results
            - ``about``, ``checkpoint``, ``timing``, ``environment``: [(term, text)]
            - ``networks``, ``parts``, ``others``: (header, rows)
            - ``curves``: {name: [(iteration, value), …]}, see ``curve_panels``
            - ``result``: dict of ``rows`` and ``summary`` (see ``evaluate_cases``, ``summarise``), ``class_names``,
              ``has_background``, ``panels`` (see ``case_pictures``), and ``without_pictures``, a sentence on why there are none
            - ``commands``: [(what for, command)]
            - ``files``: [(URL relative to the page, path, what)]
            - ``config``: its text

    Returns:
        The page as text; it refers to no other file but by the links of ``files``.
    """
    sections = [(anchor, heading, content) for anchor, heading, content in _sections(facts) if content]
    title = facts.get('title', 'a run')
    head = tag('head', tag('meta', charset='utf-8'), tag('meta', http_equiv='Content-Security-Policy', content=ALONE),
               tag('meta', name='viewport', content='width=device-width, initial-scale=1'),
               tag('title', f'{title} – report'), tag('style', Html(STYLE)))
    top = tag('header', tag('h1', title), tag('p', facts.get('subtitle', ''), class_='quiet'),
              tag('nav', [tag('a', heading, href=f'#{anchor}') for anchor, heading, _ in sections], aria_label='Sections'))
    main = tag('main', [_alert(level, sentence) for level, sentence in facts.get('alerts', [])], _tiles(facts),
               [tag('section', tag('h2', heading, id=f'{anchor}-heading'), content, id=anchor, aria_labelledby=f'{anchor}-heading')
                for anchor, heading, content in sections])
    footer = tag('footer', facts.get('footer', ''))
    return f'<!DOCTYPE html>\n{tag("html", head, tag("body", top, main, footer), lang="en")}\n'


def _sections(facts):
    """(anchor, heading, HTML or nothing) in the order of the page."""
    yield from result_sections(facts['result']) if facts.get('result') else ()
    yield 'curves', 'Curves', tag('div', figures, class_='figures') if (figures := curve_figures(facts.get('curves', {}))) else ''
    yield 'about', 'What was run', join(
        facts_list(facts['about']) if facts.get('about') else None, _optional_table(facts, 'networks', 'Networks', numbers=(2,)),
        _optional_table(facts, 'parts', 'Data', numbers=(2, 3)))
    yield 'checkpoint', 'Checkpoint', _optional_list(facts, 'checkpoint')
    yield 'others', 'Other predictions of this run', _optional_table(facts, 'others', 'Predictions, the newest first')
    yield 'timing', 'Time and memory', _optional_list(facts, 'timing')
    yield 'environment', 'Environment', _optional_list(facts, 'environment')
    yield 'reproduce', 'Reproduce it', _commands(facts)
    yield 'files', 'Files', _files(facts.get('files', []))


def _commands(facts):
    commands, config = facts.get('commands', []), facts.get('config')
    return join([join(tag('h3', what), tag('pre', tag('code', command), class_='wrap')) for what, command in commands],
                tag('details', tag('summary', 'The whole config'), tag('pre', tag('code', config))) if config else None)


def _files(files):
    rows = [[tag('a', path, href=url), what] for url, path, what in files]
    return table(['file', 'what'], rows, caption='The links work while this page lies in its run folder') if rows else ''


def _alert(level, sentence):
    return tag('p', tag('b', level), ': ', sentence, class_=f'alert{" leak" if level == "LEAK" else ""}')


def _tiles(facts):
    tiles = [*(result_tiles(facts['result']['summary']) if facts.get('result') else []), *facts.get('tiles', [])]
    return tag('ul', [tag('li', tag('b', value), tag('span', what)) for value, what in tiles], class_='tiles') if tiles else None


def _optional_table(facts, key, caption, numbers=()):
    header, rows = facts.get(key) or ((), ())
    return table(header, rows, caption=caption, numbers=numbers) if rows else None


def _optional_list(facts, key):
    return facts_list(facts[key]) if facts.get(key) else ''
