"""The question whether PyTorch is installed, asked without importing it."""

from importlib.util import find_spec

from llcray.aten.errors import TorchLossError


def check_that_torch_is_installed() -> None:
    """Refuses where PyTorch is not installed.

    Raises:
        TorchLossError: It is not.
    """
    if find_spec("torch") is None:
        raise TorchLossError("PyTorch is not installed, and tracing a module needs it: pip install 'llcray[torch]'")
