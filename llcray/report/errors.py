"""The one exception the report raises on purpose."""


class ReportError(Exception):
    """What the user can act on, in one line: the thing, the value, the reason, the remedy."""
