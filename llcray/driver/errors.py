"""The error of a sweep that cannot run as asked."""

from llcray_storage.errors import UserError


class DriverError(UserError, ValueError):
    """Says in one line for the user why a sweep cannot run as asked."""


class PlatformError(DriverError):
    """A machine cannot do any run, whichever it is given."""
