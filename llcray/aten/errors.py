"""Errors of losses that come from PyTorch."""

from llcray_storage.errors import UserError


class TorchLossError(UserError, ValueError):
    """A loss that cannot be traced, agrees not with torch, or is stored in a file that cannot be read."""


class CallError(TorchLossError):
    """A call of a graph that cannot be computed.

    Attributes:
        number: Number of the call in the graph.
        cause: What the rule of the operator, or JAX, said, in one line.
    """

    def __init__(self, number: int, op: str, error: Exception) -> None:
        self.number = number
        self.cause = f"{op}: {str(error).strip().partition(chr(10))[0] or type(error).__name__}"
        super().__init__(f"call {number} of the graph cannot be computed ({self.cause})")
