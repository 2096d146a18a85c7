"""The errors of a sweep that cannot run as asked, and one line of any error."""

from llcray_storage.errors import UserError

LONGEST_REASON = 500
"""Characters of an exception's text that are shown."""


class DriverError(UserError, ValueError):
    """Says in one line for the user why a sweep cannot run as asked."""


class PlatformError(DriverError):
    """A machine cannot do any run, whichever it is given."""


def one_line(error: object) -> str:
    """Writes what an exception says in one line, cut where it is long."""
    return " ".join(str(error).split())[:LONGEST_REASON]
