"""A log that is complete in the file and readable on the screen."""
import logging

from mmengine.logging import MMLogger

# banners and advice of mmengine's that only the file keeps
BANNERS = ('\n---', 'Config:\n', 'Hooks will be executed', 'Exp name', '"FileClient"', '"HardDiskBackend"', 'Load checkpoint',
           'resumed epoch', 'Distributed training is not used', 'paramwise_options --')


class Screen(logging.Formatter):
    """``12:34:56 message``, with the level where it is a warning or worse."""

    def format(self, record):
        level = f'{record.levelname.lower()}: ' if record.levelno >= logging.WARNING else ''
        return f'{self.formatTime(record, "%H:%M:%S")}  {level}{record.getMessage()}'


def make_logger(name, file):
    """The logger that the Runner of this name will use: everything to ``file``, the essential to the screen.

    The library's own loggers ('scarceseg.…') write to both too.
    """
    logger = MMLogger.get_instance(name, log_file=str(file), file_mode='a')
    screen = logger.handlers[0]
    screen.setFormatter(Screen())
    screen.addFilter(lambda record: _essential(record.getMessage()))
    library = logging.getLogger('scarceseg')
    library.handlers, library.propagate = list(logger.handlers), False
    library.setLevel(logging.INFO)
    return logger


def _essential(message):
    return not message.startswith(BANNERS) and 'skipped since its requires_grad=False' not in message
