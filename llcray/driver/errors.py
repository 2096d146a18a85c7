"""What goes wrong before a sweep starts."""


class DriverError(ValueError):
    """A sweep that cannot run here; the message is one line for the user."""
