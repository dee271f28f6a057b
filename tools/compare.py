"""Compare methods over the same test cases: a table that says how sure it is.

    python tools/compare.py RUN RUN … --baseline NAME    # runs, whose newest results are meant, or folders of results
    python tools/compare.py ours=RESULTS theirs=RESULTS  # named; results of one name are seeds of one method
    python tools/compare.py RUN … --layout paper --format latex > table.tex
    python tools/compare.py RUN … --out DIR              # Markdown, LaTeX, CSV, ranks and box plots as files

Runs of one config are its seeds. Results of other cases, classes, labels or rules are refused; one whose checkpoint was selected on
its test cases, or that was trained on them, is marked LEAK. docs/comparing.md explains every number.
"""
import argparse
import os
import sys
from pathlib import Path

from scarceseg.tools.common import tool

FORMATS = ('terminal', 'markdown', 'latex')


def named(text):
    """(path, name or None) of 'name=path' or 'path'."""
    name, sign, path = text.partition('=')
    return (path, name) if sign and name and not Path(text).exists() else (text, None)


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('results', nargs='+', type=named, metavar='[NAME=]RUN_OR_RESULTS')
    parse.add_argument('--baseline', metavar='NAME', help='method that the others are tested against; default none')
    parse.add_argument('--metrics', nargs='+', metavar='NAME', help='those shown; default all that every result has')
    parse.add_argument('--layout', choices=('standard', 'paper'), default='standard',
                       help='standard: mean of the classes, intervals and ranks; paper: every class and the average, Dice and HD95')
    parse.add_argument('--test', choices=('wilcoxon', 't'), default='wilcoxon', help='which decides on the star; default wilcoxon')
    parse.add_argument('--alpha', type=float, default=0.05, help='corrected p below which there is a star; default 0.05')
    parse.add_argument('--patient', metavar='REGEX',
                       help='what of a case\'s name tells the patient: the first group, or all that it matches; "" takes each case '
                            'by itself; default: names like patient012_frame01 are understood')
    parse.add_argument('--interval', choices=('bca', 'percentile'), default='bca', help='of the bootstrap; default bca')
    parse.add_argument('--common-cases', action='store_true', help='compare only the cases and classes that all results have')
    parse.add_argument('--format', choices=FORMATS, default='terminal', help='of what is printed; default terminal')
    parse.add_argument('--out', metavar='DIR', help='where comparison.md, .tex, .csv, ranks.png and boxes.png are written')
    return parse


@tool(parser)
def main(args):
    from scarceseg.methods.comparisons.comparison import compare, load_result, save_comparison
    results = [load_result(path, name) for path, name in args.results]
    table = compare(results, baseline=args.baseline, metrics=args.metrics, patient=args.patient, common_cases=args.common_cases,
                    layout=args.layout, test=args.test, alpha=args.alpha, interval=args.interval)
    if args.format == 'terminal':
        print(table.terminal(bold=sys.stdout.isatty() and 'NO_COLOR' not in os.environ))
    else:
        print(getattr(table, args.format)(), end='')
    if args.out:
        files = save_comparison(table, args.out)
        print(f'\nwritten: {", ".join(map(str, files))}', file=sys.stderr)


if __name__ == '__main__':
    main()
