"""Split the cases of a folder into lists with one case a line, for cross-validation, by shares, or into labelled and unlabelled.

    python tools/split.py data/MyoPS/train25 --strip _C0 --out data/MyoPS/splits     # NAME_C0.nii.gz, … are case NAME; five folds
    python tools/split.py IMAGES --out DIR --patient 'patient\\d+'                    # a patient's cases stay together
    python tools/split.py IMAGES --out DIR --patient-table patients.csv id           # the same, where names do not tell
    python tools/split.py IMAGES --out DIR --shares train=0.7 valid=0.1 test=0.2     # train.txt, valid.txt, test.txt
    python tools/split.py IMAGES --out DIR --of DIR/train.txt --labeled 10           # labeled_10pct.txt, unlabeled_90pct.txt

A config uses them with split='MyoPS/splits/fold{fold}_train.txt' and fold=1. The first line of a list is the hash of its names.
"""
import argparse

from scarceseg.tools.common import tool


def share(text):
    """('train', 0.7) of 'train=0.7'."""
    part, _, number = text.partition('=')
    if not part.isidentifier():
        raise ValueError(text)
    return part, float(number)


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('images', nargs='+', metavar='IMAGES', help='folder of images, or several')
    parse.add_argument('--out', required=True, metavar='DIR', help='where the lists are written; other lists there are kept')
    how = parse.add_mutually_exclusive_group()
    how.add_argument('--folds', type=int, default=5, metavar='N', help='of training and validation; default 5')
    how.add_argument('--shares', type=share, nargs='+', metavar='PART=SHARE', help='parts and their shares, which make 1')
    how.add_argument('--labeled', type=float, nargs='+', metavar='PERCENT',
                     help='of the cases (or patients) that are labelled; of several numbers the larger hold the smaller')
    parse.add_argument('--of', metavar='LIST', help='split only the cases of this list')
    who = parse.add_mutually_exclusive_group()
    who.add_argument('--patient', metavar='REGEX',
                     help='what of a case\'s name tells the patient: the first group of the expression, or all that it matches')
    who.add_argument('--patient-table', nargs=2, metavar=('CSV', 'COLUMN'),
                     help='a table that tells each case\'s patient: its first column names the case')
    parse.add_argument('--seed', type=int, default=0, help='of the order in which patients are dealt out; default 0')
    parse.add_argument('--strip', nargs='+', metavar='SUFFIX', default=[''],
                       help='ends of file names that are no part of the case\'s name; files with other ends are left out')
    return parse


@tool(parser)
def main(args):
    from scarceseg.components.datasets.layouts import patients, splits
    from scarceseg.components.datasets.layouts.split_lists import split_hash, write_lists
    names = splits.case_names(args.images, args.strip, args.of)
    groups = patients.patients_of(names, args.patient) if args.patient else None
    groups = patients.patients_in_table(names, *args.patient_table) if args.patient_table else groups
    told = {'patient': args.patient, 'patient table': ' '.join(args.patient_table or ()), 'of': args.of}
    facts = {'seed': args.seed, **{key: text for key, text in told.items() if text}}
    settings = dict(seed=args.seed, groups=groups)
    if args.shares:
        parts = splits.split_cases(names, shares=dict(args.shares), **settings)
        lists = {f'{part}.txt': found for part, found in parts.items()}
        facts['shares'] = ' '.join(f'{part}={share:g}' for part, share in args.shares)
    elif args.labeled:
        lists = splits.labeled_lists(names, args.labeled, **settings)
    else:
        lists = splits.fold_lists(splits.k_folds(names, folds=args.folds, **settings))
        facts['folds'] = args.folds
    write_lists(args.out, lists, facts)
    people, alike = (f' of {len(set(groups))} patients', None) if groups else ('', patients.likely_relatives(names))
    sizes = ', '.join(str(len(found)) for file, found in lists.items() if file.endswith('_valid.txt'))
    print(f'{len(names)} cases{people}{f" in {args.folds} folds of {sizes}" if sizes else ""}: {args.out}')
    for file, found in lists.items():
        print(f'  {file}: {len(found)} cases, sha256 {split_hash(found)[:12]}…')
    if alike:
        print(f'note: {" and ".join(alike)} may be one patient, whose cases must not be parted; if so, use --patient')


if __name__ == '__main__':
    main()
