"""The file of a traced loss: safetensors, with the description in its metadata. Nothing in it is unpickled.

One loss with its arrays is one sequence of bytes, whose SHA-256 is its identity.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llcray.aten.description import MOST_ARRAYS, Description, description_of, text_and_arrays
from llcray.aten.errors import TorchLossError
from llcray.aten.traced import Traced

KEY = "llcray"
TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
"""NumPy's names of the types of safetensors."""


@dataclass(frozen=True)
class Head:
    """What a file says without its arrays.

    Attributes:
        description: The loss.
        shapes: Shape of each array.
    """

    description: Description
    shapes: dict[str, tuple[int, ...]]


def write_file(traced: Traced, path: Path) -> None:
    """Writes a traced loss to a file."""
    from safetensors.numpy import save_file

    text, arrays = text_and_arrays(traced)
    save_file(arrays, path, metadata={KEY: text})


def read_head(path: Path) -> Head:
    """What a file says without its arrays.

    Raises:
        TorchLossError: The file is no traced loss, or its arrays are not those of its graph.
    """
    with _opened(path) as file:
        return _head(file)


def read_file(path: Path) -> Traced:
    """The traced loss of a file.

    Raises:
        TorchLossError: The file is no traced loss, or its arrays are not those of its graph.
    """
    with _opened(path) as file:
        head = _head(file)
        return head.description.with_arrays({name: file.get_tensor(name) for name in head.shapes})


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import ml_dtypes  # noqa: F401  (registers bfloat16 with NumPy)
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise TorchLossError(f"there is no file {path}: give one that llcray.torch.save wrote")
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except SafetensorError as error:
        raise TorchLossError(f"{path} is no whole file of llcray.torch.save ({error}). Copy it again.") from error
    except TorchLossError as error:
        raise TorchLossError(f"{path} cannot be read: {error}.") from error


def _head(file: Any) -> Head:
    text = (file.metadata() or {}).get(KEY)
    if text is None:
        raise TorchLossError("it holds no traced loss; write one with llcray.torch.save")
    description = description_of(text)
    names = sorted(file.keys())
    slices = {name: file.get_slice(name) for name in names[: MOST_ARRAYS + 1]}
    shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
    types = {name: TYPES.get(dtype := str(part.get_dtype()), dtype) for name, part in slices.items()}
    description.check_arrays({name: (types[name], shapes[name]) for name in slices})
    return Head(description, shapes)
