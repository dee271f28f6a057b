"""Compare predictions with labels: Dice, HD95, ASSD or others per class and case, a table, a CSV and a picture.

    python tools/eval.py                 # the newest predictions, against the labels of their run
    python tools/eval.py PRED            # a folder that test.py wrote
    python tools/eval.py PRED GT         # any two folders of NIfTI files or pictures with the same names
    python tools/eval.py --metrics iou   # instead of those that the run's config names
"""
import argparse
from pathlib import Path

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('predictions', nargs='?', metavar='PRED', help='folder of predictions; default the newest')
    parse.add_argument('labels', nargs='?', metavar='GT', help='folder of labels; default those of the run that predicted')
    parse.add_argument('--classes', nargs='+', metavar='NAME', help='with GT: names of all classes, background first')
    parse.add_argument('--metrics', nargs='+', metavar='NAME',
                       help='any of dice iou sensitivity precision hd95 assd, the last two in mm, or in voxels where files know no '
                            'mm; default the config\'s "metrics", else dice hd95 assd')
    parse.add_argument('--data', help='folder that data paths are relative to; default $SCARCESEG_DATA, then that of the training')
    parse.add_argument('--out', metavar='DIR', help='where results are written; default PRED/evaluation')
    return parse


@tool(parser)
def main(args):
    from scarceseg.components.evaluators import terminal_table
    from scarceseg.methods import evaluation as e
    if args.classes and not args.labels:
        parser().error('--classes names the classes of GT, a folder of labels; without GT the run knows them')
    predictions = Path(args.predictions) if args.predictions else e.newest_predictions()
    if args.labels:
        cases = e.FolderCases(predictions, args.labels, class_names=args.classes)
    else:
        cases = e.RunCases(predictions, data=args.data)
    rows, summary, out = e.evaluate(cases, out=args.out, metrics=args.metrics)
    print(f'{predictions}: {len(cases.names)} cases\n\n{terminal_table(summary)}\n')
    if cases.note():
        print(f'note: {cases.note()}\n')
    print(f'per case: {out / "cases.csv"}\npicture: {out / "cases.png"}')


if __name__ == '__main__':
    main()
