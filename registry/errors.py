"""What a user can mend."""


class UserError(ValueError):
    """One sentence: what is wrong, where, what was expected, how to mend it.

    The command-line tools print it without a traceback; a traceback is left for our own bugs. A worker of torch's ``DataLoader``
    hands on the traceback as the message of a new error: here the sentence alone is kept.
    """

    def __init__(self, message=''):
        report = str(message)
        if report.startswith('Caught UserError in '):
            report = report.rpartition('UserError: ')[2].strip()
        super().__init__(report)
