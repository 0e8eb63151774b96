"""The one exception for what a user can put right."""


class StudyError(Exception):
    """A mistake in the configuration, a source or a file.

    The message is complete for the person who reads it: which key or row, what is wrong and what
    would do. The edges print it without a traceback.
    """
