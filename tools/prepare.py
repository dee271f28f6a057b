"""Turn a public download, unpacked as it comes, into the folders that the configs read.

    python tools/prepare.py acdc ACDC/database --scribbles ACDC_scribbles --out data      # data/ACDC/images, labels, scribbles, …
    python tools/prepare.py atrium "2018 Atrial Segmentation Challenge" --out data        # data/LA; or UA-MT's .h5 files
    python tools/prepare.py jsrt All247images --masks scratch --out data                  # data/JSRT, lungs of SCR, 256×256 PNG
    python tools/prepare.py promise12 PROMISE12 --out data                                # data/PROMISE12
    python tools/prepare.py msd Task02_Heart --out data --link                            # data/Task02_Heart, for MSDDataset

Nothing of the download is changed and nothing that is there is overwritten; the same command goes on where it was interrupted.
Split lists are the published ones where there are such, else made by a seed. Exit status 1: some cases could not be made.
"""
import argparse
import sys

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parse.add_subparsers(dest='kind', required=True, metavar='KIND')
    options = {
        'acdc': ('cardiac cine-MR of ACDC, official or as WSL4MIS gives it out', [
            ('--scribbles', dict(metavar='DIR', help='folder of Valvano\'s scribbles; .h5 files have them')), 'link']),
        'atrium': ('LGE-MR of the 2018 left-atrium challenge, official or as UA-MT gives it out', [
            ('--shrink', dict(type=int, default=1, metavar='N', help='take means of N voxels along each axis; 2 gives 1.25 mm'))]),
        'jsrt': ('chest radiographs of JSRT with the lungs of SCR', [
            ('--masks', dict(required=True, metavar='DIR', help='folder of SCR, with fold1 and fold2 somewhere below')),
            ('--size', dict(type=int, default=256, metavar='N', help='pixels of a side; default 256'))]),
        'promise12': ('prostate MR of PROMISE12', ['seed']),
        'msd': ('a task of the Medical Segmentation Decathlon', ['seed', 'link'])}
    shared = {'seed': ('--seed', dict(type=int, default=0, help='of the split; default 0')),
              'link': ('--link', dict(action='store_true', help='link to files that are taken as they are instead of copying'))}
    for kind, (what, own) in options.items():
        sub = kinds.add_parser(kind, help=what, description=what)
        sub.add_argument('source', metavar='SOURCE', help='folder that the download was unpacked to')
        for flag, settings in (shared[option] if isinstance(option, str) else option for option in own):
            sub.add_argument(flag, **settings)
        sub.add_argument('--out', default='data', metavar='DIR', help='data folder; default data')
        sub.add_argument('--name', help='of the folder in there; default that of the data set\'s configs')
        sub.add_argument('--processes', type=int, metavar='N', help='that work at once; default one per core')
    return parse


def show(done, total):
    """Progress: on a screen one line that changes, else a line now and then."""
    if sys.stderr.isatty() or done == total or done % 50 == 0:
        start, end = ('\r', '' if done < total else '\n') if sys.stderr.isatty() else ('', '\n')
        print(f'{start}{done} of {total} cases', end=end, file=sys.stderr, flush=True)


@tool(parser)
def main(args):
    from scarceseg.components.datasets import preparation as p
    plans = dict(acdc=p.acdc_plan, atrium=p.atrium_plan, jsrt=p.jsrt_plan, promise12=p.promise12_plan, msd=p.decathlon_plan)
    settings = {k: v for k, v in vars(args).items() if k not in ('kind', 'source', 'out', 'name', 'processes')}
    p.check_outside(args.out, args.source)
    plan = p.renamed(plans[args.kind](args.source, **settings), args.name)
    outcome = p.carry_out(plan, args.out, processes=args.processes, progress=show)
    print(f'{outcome.place}: {outcome.made} cases made, {outcome.kept} were there')
    for note in plan.notes:
        print(f'note: {note}')
    if outcome.failed:
        for name, sentence in sorted(outcome.failed.items()):
            print(f'not made: {name}: {sentence}', file=sys.stderr)
        sys.exit(1)
    for file, names in plan.lists.items():
        print(f'  splits/{file}: {len(names)} cases')
    print(f'split: {plan.facts.get("split") or ", ".join(f"{k} {v}" for k, v in plan.facts.items()) or "none, the cases are few"}')


if __name__ == '__main__':
    main()
