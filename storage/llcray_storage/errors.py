"""The one exception this package raises on purpose."""


class StorageError(Exception):
    """What the user can act on, in one line: the thing, the value, the reason, the remedy."""


class ObjectMissingError(StorageError):
    """An object that was listed or referred to is not there (any more)."""
