"""The error that reports raise on purpose."""

from llcray_storage.errors import UserError


class ReportError(UserError):
    """A report or plot that cannot be made as asked."""
