"""Split the cases of a folder for cross-validation: fold1_train.txt, fold1_valid.txt, … with one case a line.

    python tools/split.py data/MyoPS/train25 --strip _C0 --out data/MyoPS/splits     # NAME_C0.nii.gz, … are case NAME
    python tools/split.py IMAGES --out DIR --patient 'patient\\d+'                    # a patient's cases stay together

A config uses them with split='MyoPS/splits/fold{fold}_train.txt' and fold=1.
"""
import argparse
import re

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('images', nargs='+', metavar='IMAGES', help='folder of images, or several')
    parse.add_argument('--out', required=True, metavar='DIR', help='where the lists are written; other lists there are kept')
    parse.add_argument('--folds', type=int, default=5, metavar='N', help='default 5')
    parse.add_argument('--patient', metavar='REGEX',
                       help='what of a case\'s name tells the patient: the first group of the expression, or all that it matches')
    parse.add_argument('--seed', type=int, default=0, help='of the order in which patients are dealt out; default 0')
    parse.add_argument('--strip', nargs='+', metavar='SUFFIX', default=[''],
                       help='ends of file names that are no part of the case\'s name; files with other ends are left out')
    return parse


def case_names(folders, suffixes):
    """Names of the cases in folders, sorted."""
    from scarceseg.components.datasets.files import group_channels, list_folder
    from scarceseg.registry import UserError
    names = [name for folder in folders for name in group_channels(list_folder(folder), suffixes)]
    if not names:
        ends = f' whose name ends with {" or ".join(suffixes)}' if any(suffixes) else ''
        raise UserError(f'there is no image{ends} in {", ".join(folders)}')
    return sorted(names)


def patients(names, pattern):
    """For each name what ``pattern`` finds in it."""
    from scarceseg.registry import UserError
    try:
        found = [re.search(pattern, name) for name in names]
    except re.error as error:
        raise UserError(f'--patient {pattern!r} is no regular expression: {error}') from error
    people = [match and match.group(1 if match.re.groups else 0) for match in found]
    for name, patient in zip(names, people):
        if not patient:
            raise UserError(f'--patient {pattern!r} finds nothing in the name of case {name!r}')
    return people


@tool(parser)
def main(args):
    from scarceseg.components.datasets.splits import k_folds, write_folds
    names = case_names(args.images, args.strip)
    groups = patients(names, args.patient) if args.patient else None
    folds = k_folds(names, folds=args.folds, seed=args.seed, groups=groups)
    write_folds(args.out, folds)
    people = f' of {len(set(groups))} patients' if groups else ''
    print(f'{len(names)} cases{people} in {args.folds} folds of {", ".join(str(len(valid)) for _, valid in folds)}: {args.out}')


if __name__ == '__main__':
    main()
