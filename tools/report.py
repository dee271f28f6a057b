"""Write the report of a run: one HTML file that needs no network and no other file.

    python tools/report.py                      # the newest run
    python tools/report.py RUN                  # a run folder, trained to the end or not; its newest results
    python tools/report.py RUN --predictions work_dirs/CONFIG/predictions/best_iter500

train.py, test.py and eval.py write it too; this tool is for showing other predictions, and for runs from elsewhere.
"""
import argparse

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('run', nargs='?', help='a run folder; default the newest run of all')
    parse.add_argument('--predictions', metavar='DIR',
                       help='predictions or results below the run that are shown at length; default the newest with results')
    parse.add_argument('--data', help='folder that data paths are relative to; default $SCARCESEG_DATA, then that of the training')
    return parse


@tool(parser)
def main(args):
    from scarceseg.methods.reports.reporting import write_report
    from scarceseg.methods.runs import find_run
    print(f'report: {write_report(find_run(args.run), predictions=args.predictions, data=args.data)}')


if __name__ == '__main__':
    main()
