"""Look at data before training: the data sets of a config, or a folder of images and perhaps one of labels.

    python tools/check_data.py configs/wsl/dmpls_acdc_cpu.py --data DIR --html report.html
    python tools/check_data.py IMAGES LABELS --splits train.txt valid.txt --patient 'patient\\d+'
    python tools/check_data.py Dataset005_Prostate       # a data set of nnU-Net or of the Decathlon

Prints tables and a line for each problem. The exit status is 1 where training would be wrong, that is, with any error; 2 where
nothing could be checked; 0 otherwise, with warnings or without.
"""
import argparse
import sys
from pathlib import Path

from scarceseg.tools.common import Options, tool


def parser():
    from scarceseg.components.datasets.checks import explain_kinds
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                    epilog=f'what is looked for:\n{explain_kinds()}')
    parse.add_argument('target', metavar='CONFIG|IMAGES', help='a config (file or shipped name), or a folder')
    parse.add_argument('labels', nargs='?', metavar='LABELS', help='with IMAGES: folder of labels with the same file names')
    parse.add_argument('--html', metavar='FILE', help='write a page with a picture of every case; it needs no other file')
    parse.add_argument('--patient', metavar='REGEX', help='what of a case\'s name is the patient: its first group, or all of it; '
                                                          'default what the split lists were made by')
    parse.add_argument('--processes', type=int, metavar='N', help='that read at once; default one per core')
    config = parse.add_argument_group('with CONFIG')
    config.add_argument('--data', metavar='DIR', help='folder that data paths are relative to; default $SCARCESEG_DATA, then data')
    config.add_argument('--cfg-options', nargs='+', action=Options, metavar='KEY=VALUE', help='override settings, such as fold=2')
    folder = parse.add_argument_group('with IMAGES')
    folder.add_argument('--splits', nargs='+', metavar='LIST',
                        help='split lists; one with "val" or "test" in its name is of validation or test')
    folder.add_argument('--classes', nargs='+', metavar='NAME', help='names of all classes, background first')
    folder.add_argument('--unannotated', type=int, nargs='+', metavar='VALUE', help='values that mean "not annotated"')
    folder.add_argument('--channels', nargs='+', metavar='SUFFIX', help='what the files of each channel end with')
    return parse


def show(done, total):
    """Progress, where someone looks at the screen."""
    if sys.stderr.isatty():
        print(f'\r{done} of {total} cases{"" if done < total else chr(10)}', end='', file=sys.stderr, flush=True)


@tool(parser)
def main(args):
    from scarceseg.components.datasets.checks.run import check_sources
    from scarceseg.components.datasets.checks.sources import sources_of_config, sources_of_folders
    from scarceseg.components.datasets.checks.tables import terminal_report
    from scarceseg.registry import UserError, load_config, use_data_root
    has_background, is_folder = True, Path(args.target).is_dir()
    for option in ('data', 'cfg_options') if is_folder else ('labels', 'splits', 'classes', 'unannotated', 'channels'):
        if getattr(args, option):
            what = 'LABELS' if option == 'labels' else f'--{option.replace("_", "-")}'
            raise UserError(f'{what} goes with a {"config" if is_folder else "folder"}, but {args.target} is '
                            f'{"a folder" if is_folder else "no folder"}; leave it out')
    if is_folder:
        sources = sources_of_folders(args.target, args.labels, splits=args.splits or (), classes=args.classes,
                                     unannotated=args.unannotated, channels=args.channels or ('',))
    else:
        config = use_data_root(load_config(args.target, options=args.cfg_options), args.data)
        sources, has_background = sources_of_config(config), config.get('has_background', True)
    report = check_sources(sources, patient=args.patient, picture_px=160 if args.html else 0, has_background=has_background,
                           processes=args.processes, progress=show)
    print(terminal_report(report))
    if args.html:
        from scarceseg.components.datasets.checks.page import write_page
        write_page(report, args.html, title=f'Data of {args.target}', has_background=has_background)
        print(f'page: {args.html}')
    sys.exit(1 if report.errors else 0)


if __name__ == '__main__':
    main()
