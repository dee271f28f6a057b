"""Compare predictions with labels: Dice, HD95, ASSD or other metrics per class and case, a table, a CSV and a picture.

    python tools/eval.py                 # the newest predictions, against the labels of their run
    python tools/eval.py PRED            # a folder that test.py wrote
    python tools/eval.py PRED GT         # any two folders of NIfTI files or pictures with the same names
    python tools/eval.py --metrics iou surface_dice:tolerance=2    # instead of those that the run's config names
    python tools/eval.py --fuse 'whole heart=1,2,3'                # classes taken as one
"""
import argparse
from pathlib import Path

from scarceseg.tools.common import tool


def metric(text):
    """dict(type='surface_dice', tolerance=2.0) of 'surface_dice:tolerance=2'."""
    name, *settings = text.split(':')
    return {'type': name, **{key: float(value) for key, value in (s.split('=') for s in settings)}}


def fused(text):
    """('whole heart', (1, 2, 3)) of 'whole heart=1,2,3'."""
    name, numbers = text.split('=')
    return name, tuple(int(n) for n in numbers.split(','))


def parser():
    from scarceseg.components.evaluators.cases import EMPTY
    from scarceseg.components.evaluators.measuring import known_measures
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('predictions', nargs='?', metavar='PRED', help='folder of predictions; default the newest')
    parse.add_argument('labels', nargs='?', metavar='GT', help='folder of labels; default those of the run that predicted')
    parse.add_argument('--classes', nargs='+', metavar='NAME', help='with GT: names of all classes, background first')
    parse.add_argument('--metrics', nargs='+', type=metric, metavar='NAME',
                       help='default the config\'s "metrics", else dice hd95 assd; NAME:SETTING=VALUE changes a setting. '
                            f'Distances are in mm, or in voxels where files know no mm. Known: {", ".join(known_measures())}')
    parse.add_argument('--fuse', nargs='+', type=fused, metavar='NAME=CLASSES',
                       help='indices of classes that are also judged as one')
    parse.add_argument('--empty', choices=EMPTY, default='skip',
                       help='distance of a class that is on one side only: none, the default, or the diagonal of the image')
    parse.add_argument('--data', help='folder that data paths are relative to; default $SCARCESEG_DATA, then that of the training')
    parse.add_argument('--processes', type=int, metavar='N', help='how many cases are evaluated at once; default one per core')
    parse.add_argument('--out', metavar='DIR', help='where results are written; default PRED/evaluation')
    return parse


@tool(parser)
def main(args):
    from scarceseg.components.evaluators import terminal_table
    from scarceseg.methods import evaluation as e
    from scarceseg.methods.reports.reporting import refresh_report
    if args.classes and not args.labels:
        parser().error('--classes names the classes of GT, a folder of labels; without GT the run knows them')
    predictions = Path(args.predictions) if args.predictions else e.newest_predictions()
    if args.labels:
        cases = e.FolderCases(predictions, args.labels, class_names=args.classes)
    else:
        cases = e.RunCases(predictions, data=args.data)
    rows, summary, out = e.evaluate(cases, out=args.out, metrics=args.metrics, fused=dict(args.fuse or ()), empty=args.empty,
                                    processes=args.processes)
    print(f'{predictions}: {len(cases.names)} cases\n\n{terminal_table(summary)}\n')
    if cases.note():
        print(f'note: {cases.note()}\n')
    report = refresh_report(out, data=args.data)
    print(f'per case: {out / "cases.csv"}\npicture: {out / "cases.png"}' + (f'\nreport: {report}' if report else ''))


if __name__ == '__main__':
    main()
