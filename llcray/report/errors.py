"""The error that reports and plots raise on purpose."""

from llcray_storage.errors import UserError


class ReportError(UserError):
    """The refusal of a report or plot that cannot be made as asked; its text says why and what to do."""
