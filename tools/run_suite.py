"""Train, test, evaluate and compare a list of configs × seeds, in one command that can be stopped and given again.

    python tools/run_suite.py wsl_acdc_cpu --data DIR          # a shipped suite; what is done already is skipped
    python tools/run_suite.py my_suite.py --jobs 2             # a suite of one's own, two processes at a time
    python tools/run_suite.py wsl_acdc_cpu --dry-run           # what would be done

Everything is below work_dirs/suites/NAME. The exit status is 1 where a member failed; the others go on.
"""
import argparse
import shutil
import sys
import time

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('suite', help='a suite file, or the name of a shipped one such as wsl_acdc_cpu')
    parse.add_argument('--jobs', type=int, default=1, metavar='N',
                       help='how many processes run at once, each with its share of the cores; default 1')
    parse.add_argument('--data', help='folder that data paths in the configs are relative to; default $SCARCESEG_DATA, then data')
    parse.add_argument('--work-dir', metavar='DIR', help='folder of the suite; default work_dirs/suites/NAME')
    parse.add_argument('--dry-run', action='store_true', help='check the suite and list what is to be done')
    return parse


class Screen:
    """A line for each process, drawn anew in a terminal; elsewhere written when a process starts, and every minute."""

    def __init__(self):
        self.live, self.drawn, self.written = sys.stdout.isatty(), 0, {}

    def show(self, said, running, line_of):
        lines, now = {job.process.pid: line_of(job) for job in running}, time.monotonic()
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(f'\x1b[{self.drawn}A\x1b[J' * bool(self.drawn), end='')
            self.drawn, lines = len(lines), {pid: line[:width] for pid, line in lines.items()}
        else:
            lines = {pid: line for pid, line in lines.items() if now - self.written.get(pid, -60) >= 60}
            self.written.update(dict.fromkeys(lines, now))
        for line in (*said, *lines.values()):
            print(line, flush=True)


@tool(parser)
def main(args):
    from scarceseg.methods import suites as s
    threads = s.share_of_cores(args.jobs)
    plan = s.Plan(s.load_suite(args.suite), args.work_dir, data=args.data, threads=threads)
    if args.dry_run:
        for task in [*plan.tasks, *plan.ensembles]:
            print(f'{s.title(task)}: {s.still_to_do(plan, task)}')
        return
    failed, screen = 0, Screen()
    with s.only_one(plan.folder), s.Jobs(plan, jobs=args.jobs, threads=threads) as jobs:
        for tasks in (plan.tasks, plan.ensembles):
            for ended, running in jobs.run(tasks):
                failed += sum(end.error is not None for end in ended)
                screen.show([s.outcome(end, plan.log(end.task)) for end in ended], running, s.line_of)
        table, compared, said = s.conclude(plan)
    print('', table, '', *said, f'folder: {plan.folder}', sep='\n')
    sys.exit(1 if failed or not compared else 0)


if __name__ == '__main__':
    main()
