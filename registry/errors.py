"""What a user can mend."""


class UserError(ValueError):
    """One sentence: what is wrong, where, what was expected, how to mend it.

    The command-line tools print it without a traceback; a traceback is left for our own bugs.
    """
