"""Make imperfect labels from a folder of full ones: scribbles, points, boxes, missing slices or classes, noise.

    python tools/simulate.py LA/labels --out LA/scribbles --type scribbles --classes 2
    python tools/simulate.py CXR/labels --out CXR/noisy --type noise --classes 2 --settings radius=[6,12]
    python tools/simulate.py --type markov_noise --help-settings

writes a label of the same name for each case, and simulation.json with the seed, the settings and what became of each case.
A data set makes the same labels by itself with simulate=dict(noisy=[dict(type='simulate_markov_noise', seed=0, …)]).
"""
import argparse
import inspect

from scarceseg.tools.common import Options, tool

TYPES = ('scribbles', 'boundary_scribbles', 'points', 'boxes', 'partial_slices', 'missing_classes', 'noise', 'dilation', 'erosion',
         'edge_distortion', 'markov_noise')


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('labels', nargs='?', metavar='LABELS', help='folder of full labels')
    parse.add_argument('--type', required=True, choices=TYPES, help='what is simulated')
    parse.add_argument('--out', metavar='DIR', help='folder that is written; it must not be there yet')
    parse.add_argument('--classes', type=int, metavar='N', help='number of classes, background included')
    parse.add_argument('--values', type=int, nargs='+', metavar='V', help='value of each class in the files; default 0 1 2 …')
    parse.add_argument('--unannotated', type=int, default=255, metavar='V', help='value that means "not annotated"; default 255')
    parse.add_argument('--split', metavar='FILE', help='list of the cases, one a line; default all')
    parse.add_argument('--seed', type=int, default=0, help='with a case\'s name decides all that is random; default 0')
    parse.add_argument('--settings', nargs='+', action=Options, default={}, metavar='KEY=VALUE', help='of what is simulated')
    parse.add_argument('--help-settings', action='store_true', help='say what --settings takes for this type, and stop')
    return parse


@tool(parser)
def main(args):
    from mmengine.config import Config

    from scarceseg.components.datasets import simulators
    from scarceseg.components.datasets.simulators.folder import MANIFEST, simulate_folder
    from scarceseg.registry import UserError
    function = getattr(simulators.transforms, f'simulate_{args.type}')
    if args.help_settings:
        print(inspect.cleandoc(function.__doc__))
        return
    for name in ('labels', 'out', 'classes'):
        if getattr(args, name) is None:
            raise UserError(f'{"LABELS" if name == "labels" else "--" + name} is missing; see --help')
    nested = Config()
    nested.merge_from_dict(args.settings)  # kinds.erosion=0.5
    settings = nested.to_dict()
    if 'num_classes' in inspect.signature(function).parameters:
        settings.setdefault('num_classes', args.classes)
    kinds = {}
    for name, entry in simulate_folder(args.labels, args.out, transform=function.__name__, seed=args.seed, settings=settings,
                                       classes=args.classes, values=args.values, unannotated=args.unannotated, split=args.split):
        kind = entry.get('kind', args.type)
        kinds[kind] = kinds.get(kind, 0) + 1
        print(f'{name}: {kind}, {100 * entry["annotated"]:.1f} % annotated, {100 * entry["wrong"]:.2f} % of it wrong')
    print(f'\n{args.out}: {", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))}; how, in {MANIFEST}')


if __name__ == '__main__':
    main()
