import errno

import pytest

from scarceseg.tools.common import tool


class NoOptions:
    def parse_args(self, argv):
        return argv


@pytest.mark.parametrize('error, status, words', [
    (OSError(errno.ENOSPC, 'No space left on device', 'a.csv'), 2, 'a.csv cannot be written: No space left on device'),
    (PermissionError(errno.EACCES, 'Permission denied', '/sealed/x'), 2, '/sealed/x cannot be written'),
    (OSError(errno.EROFS, 'Read-only file system'), 2, 'a file cannot be written'), (KeyboardInterrupt(), 130, 'stopped')])
def test_what_a_disk_refuses_is_one_sentence(error, status, words, capsys):
    @tool(NoOptions)
    def main(args):
        raise error
    with pytest.raises(SystemExit) as stop:
        main([])
    told = capsys.readouterr().err
    assert stop.value.code == status and words in told and told.strip().count('\n') == 0


def test_other_errors_of_the_system_are_not_hidden():
    @tool(NoOptions)
    def main(args):
        raise OSError(errno.EIO, 'Input/output error')
    with pytest.raises(OSError, match='Input/output'):
        main([])
