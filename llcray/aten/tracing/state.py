"""What a module and its data hold, as it is traced: in evaluation mode, on the CPU, in one type."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from llcray.aten.errors import TorchLossError

HALF = (torch.float16, torch.bfloat16)
DICT = (
    'give data as a dict of arrays by name, such as {"x": x, "y": y}; loss(module, batch) has parts of the same names'
)


@dataclass(frozen=True)
class State:
    """A module that is ready to be traced.

    Attributes:
        module: A copy, on the CPU; half-precision parameters are float32, which holds them exactly.
        parameters: What may move, by the names of `named_parameters()`.
        buffers: What does not: buffers, and parameters that require no gradient.
    """

    module: torch.nn.Module
    parameters: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]


def state_of(module: torch.nn.Module) -> State:
    """The state of a module, which stays as it is.

    Raises:
        TorchLossError: The module is in training mode, cannot be copied, or has no parameters of one real type.
    """
    if not isinstance(module, torch.nn.Module):
        raise TorchLossError(f"module is a {type(module).__name__}; give a torch.nn.Module")
    training = [name or type(module).__name__ for name, part in module.named_modules() if part.training]
    if training:
        raise TorchLossError(
            f"module {training[0]} is in training mode, in which dropout draws and batch norms mix examples. Call "
            "module.eval() first."
        )
    try:
        own = copy.deepcopy(module).cpu()
    except Exception as error:
        raise TorchLossError(
            f"the module cannot be copied ({str(error)[:100]}). Remove hooks, and tensors kept of its last call."
        ) from error
    if any(parameter.dtype in HALF for parameter in own.parameters()):
        own = own.float()
    named = dict(own.named_parameters())
    parameters = {name: parameter.detach() for name, parameter in named.items() if parameter.requires_grad}
    fixed = {name: parameter.detach() for name, parameter in named.items() if name not in parameters}
    _check_parameters(parameters, fixed)
    return State(own, parameters, fixed | dict(own.named_buffers()))


def _check_parameters(parameters: Mapping[str, torch.Tensor], fixed: Mapping[str, torch.Tensor]) -> None:
    if not parameters:
        remedy = "call module.requires_grad_(True)" if fixed else "give a module that has some"
        raise TorchLossError(f"the module has no parameters that may move; {remedy}")
    types = {parameter.dtype: name for name, parameter in parameters.items()}
    if len(types) > 1:
        listed = ", ".join(f"{name}: {str(dtype).removeprefix('torch.')}" for dtype, name in types.items())
        raise TorchLossError(f"parameters have several types ({listed}). Call module.float().")
    (dtype,) = types
    if not dtype.is_floating_point:
        raise TorchLossError(f"parameters have type {dtype}; chains move real numbers. Call module.float().")


def examples_of(data: Any) -> dict[str, torch.Tensor]:
    """The arrays of data, by name, on the CPU.

    Raises:
        TorchLossError: Data are no dict of arrays that have the same number of examples.
    """
    if not isinstance(data, Mapping) or not data or not all(isinstance(name, str) for name in data):
        raise TorchLossError(f"data is a {type(data).__name__}; {DICT}")
    tensors = {}
    for name, array in data.items():
        try:
            tensors[name] = torch.as_tensor(array).detach().cpu()
        except (TypeError, ValueError, RuntimeError) as error:
            raise TorchLossError(f"data {name!r}, a {type(array).__name__}, is no array ({error}); {DICT}") from error
        if tensors[name].dtype in HALF:
            tensors[name] = tensors[name].float()
    lengths = {name: len(tensor) if tensor.ndim else 0 for name, tensor in tensors.items()}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        listed = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise TorchLossError(f"data has {listed}; the first axis of each array is the examples, as many of each")
    return tensors


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """The array of a tensor that a loss is given: of complex numbers, their parts along a last axis of two."""
    tensor = tensor.detach()
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj()).numpy()
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def few_of(data: Mapping[str, torch.Tensor], count: int) -> dict[str, torch.Tensor]:
    """The first `count` examples, over and over where there are fewer."""
    return {name: tensor[torch.arange(count) % len(tensor)] for name, tensor in data.items()}
