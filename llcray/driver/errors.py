"""What goes wrong before a sweep starts."""

from llcray_storage.errors import UserError


class DriverError(UserError, ValueError):
    """A sweep that cannot run here; the message is one line for the user."""
