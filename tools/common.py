"""What the command-line tools share."""
import errno
import functools
import sys

from mmengine.config import DictAction


class Options(DictAction):
    """``KEY=VALUE …``, answered with a sentence where it is anything else."""

    def __call__(self, parser, namespace, values, option_string=None):
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError, RecursionError):
            parser.error(f'{option_string} takes KEY=VALUE with numbers, words or [lists], and comes last; got {" ".join(values)}')


def tool(parser):
    """Make ``main(args)`` a command: it parses, and a user's mistake or a full disk ends in one sentence and exit status 2."""
    def decorate(main):
        @functools.wraps(main)
        def command(argv=None):
            args = parser().parse_args(argv)
            from scarceseg.registry import UserError
            try:
                return main(args)
            except UserError as error:
                print(f'error: {error}', file=sys.stderr)
                sys.exit(2)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                    raise
                where = f'{error.filename} ' if error.filename else 'a file '
                print(f'error: {where}cannot be written: {error.strerror}; make room, or choose another folder', file=sys.stderr)
                sys.exit(2)
            except KeyboardInterrupt:
                print('\nstopped', file=sys.stderr)
                sys.exit(130)
        return command
    return decorate


def bare_step(config, model, batch):
    """A function that trains a model for a step on a batch in memory, at the last iteration, with a plain optimizer.

    Args:
        config: with optimizer and number of iterations.
        model: config of a segmentor.
        batch: {part: {field: tensor}}.
    """
    import torch

    from scarceseg.registry import MODELS
    model, settings = MODELS.build(dict(model, type='Segmentor')).train(), dict(config.optim_wrapper.optimizer)
    optimizer = getattr(torch.optim, settings.pop('type'))([p for p in model.parameters() if p.requires_grad], **settings)
    model.sync_averages()
    model.iteration = config.train_cfg.max_iters - 1

    def step():
        optimizer.zero_grad()
        sum(value for name, value in model(mode='loss', **batch).items() if name.startswith('loss')).backward()
        optimizer.step()
        model.move_averages()
    return step
