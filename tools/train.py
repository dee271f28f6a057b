"""Train a config.

    python tools/train.py configs/wsl/dmpls_acdc_cpu.py --data DIR

writes a run folder with the weights (last.pth, best.pth), the config, the log and the curves.
"""
import argparse

from scarceseg.tools.common import Options, tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('config', help='a config file, or the name of a shipped one such as wsl/dmpls_acdc')
    parse.add_argument('--work-dir', help='folder of the run; default work_dirs/CONFIG, or the next free CONFIG-2, CONFIG-3, …')
    parse.add_argument('--data', help='folder that data paths in the config are relative to; default $SCARCESEG_DATA, then data')
    parse.add_argument('--resume', action='store_true', help='continue the run in --work-dir, or the newest run of this config')
    parse.add_argument('--seed', type=int, help='seed of everything random; default the config\'s')
    parse.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none', help='how processes were started')
    parse.add_argument('--no-check', action='store_true',
                       help='do not look at the headers of all files first; tools/check_data.py looks at everything')
    parse.add_argument('--cfg-options', nargs='+', action=Options, default={}, metavar='KEY=VALUE',
                       help='override settings of the config, e.g. train_cfg.max_iters=500')
    return parse


@tool(parser)
def main(args):
    from scarceseg.methods.training import train
    from scarceseg.registry import load_config
    config = load_config(args.config, options=args.cfg_options)
    folder = train(config, work_dir=args.work_dir, data=args.data, resume=args.resume, seed=args.seed, launcher=args.launcher,
                   check=not args.no_check, options=args.cfg_options)
    report = folder / 'report.html'
    print(f'\nrun: {folder}\ncurves: {folder / "curves.png"}\n' + (f'report: {report}\n' if report.is_file() else '') +
          f'next: python tools/test.py {folder} --tta')


if __name__ == '__main__':
    main()
