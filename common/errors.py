"""The one exception for what a user can put right."""


class UserError(ValueError):
    """A mistake in a configuration, a table, a source or a file.

    The message is complete for the person who reads it: which key or row, what is wrong and what
    would do. The edges print it without a traceback.
    """
