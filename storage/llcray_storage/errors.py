"""Errors that a user can act on. Every package derives its errors from `UserError`, so a command catches one class."""


class UserError(Exception):
    """An error that the user can act on; its one line names the thing, the value, the reason and the remedy."""


class StorageError(UserError):
    """A dataset cannot be read or written as asked."""


class ObjectMissingError(StorageError):
    """An object that was listed or referred to is not there, or no longer."""
