"""Predict cases with a trained run, in the original space of each image.

    python tools/test.py                      # the newest run, its last checkpoint, its test cases
    python tools/test.py RUN --tta            # a run folder, averaged over flips
    python tools/test.py RUN --images DIR     # any folder of images, NIfTI or pictures, without labels
    python tools/test.py RUN1 RUN2 … --images DIR    # the mean of the probabilities of several runs, such as folds
"""
import argparse
import sys
from pathlib import Path

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('run', nargs='*', help='a run folder, or a config whose newest run is meant; default the newest run of all; '
                                              'several are an ensemble')
    parse.add_argument('--checkpoint', default='last', metavar='last|best|FILE',
                       help='which weights; best was selected on the validation cases, so it flatters where those are the test '
                            'cases too; default last')
    parse.add_argument('--tta', action='store_true', help='average over flips of the axes the network sees')
    parse.add_argument('--images', metavar='DIR', help='predict every image of this folder instead of the test cases')
    parse.add_argument('--data', help='folder that data paths are relative to; default $SCARCESEG_DATA, then that of the training')
    parse.add_argument('--out', metavar='DIR', help='where predictions are written; default RUN/predictions/…')
    parse.add_argument('--save-prob', action='store_true', help='write class probabilities too')
    return parse


@tool(parser)
def main(args):
    from mmengine.utils import ProgressBar

    from scarceseg.methods import ensemble as e
    from scarceseg.methods import prediction as p
    from scarceseg.methods.reports.reporting import refresh_report
    from scarceseg.methods.runs import find_checkpoint, find_run
    runs = [find_run(r) if Path(r).is_dir() else find_run(stem=Path(r).stem) for r in args.run] or [find_run()]
    if len(runs) > 1:
        predictor = e.Ensemble(runs, checkpoint=args.checkpoint, tta=args.tta)
        what, out = f'{len(runs)} networks, {args.checkpoint}', predictor.output_folder(args.checkpoint, images=args.images)
        manifest = predictor.manifest(images=args.images)
    else:
        run, what = runs[0], find_checkpoint(runs[0], args.checkpoint)
        predictor = p.Predictor.from_run(run, checkpoint=args.checkpoint, tta=args.tta)
        out = p.output_folder(run, args.checkpoint, predictor.meta, tta=args.tta, images=args.images)
        manifest = p.make_manifest(predictor, what, run, images=args.images)
    cases, out = p.test_cases(predictor.config, images=args.images, data=args.data), Path(args.out or out)
    if len(runs) > 1 and not args.images:
        e.check_unseen(predictor, cases, data=args.data)
    print(f'{what} (iteration {predictor.meta.get("iter", "unknown")}): {len(cases)} cases to {out}')
    bar, failed = ProgressBar(len(cases)), {}
    for name, error in p.predict_cases(predictor, cases, out, manifest, save_prob=args.save_prob):
        bar.update()
        if error is not None:
            failed[name] = error
    refresh_report(out, data=args.data)
    print(f'\npredictions: {out}' + ('' if args.images else f'\nnext: python tools/eval.py {out}'))
    for name, error in failed.items():
        print(f'not predicted: {name}: {error}', file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
