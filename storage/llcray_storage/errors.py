"""Errors that a user can act on. Every package's own errors are of these, so that commands need to know one class."""


class UserError(Exception):
    """What the user can act on, in one line: the thing, the value, the reason, the remedy."""


class StorageError(UserError):
    """A dataset that cannot be read or written as asked."""


class ObjectMissingError(StorageError):
    """An object that was listed or referred to is not there (any more)."""
