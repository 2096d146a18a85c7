"""Arrays of a target as safetensors, identified by what they hold and checked against it when read.

Traps this module closes: safetensors writes non-contiguous arrays wrong without a word, its metadata order is random
beyond one key, and `ascontiguousarray` gives scalars a dimension.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from llcray_storage.errors import StorageError

KINDS = "fiub"


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over name, dtype, shape and bytes of every array, names sorted."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def stored_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays in C order and native byte order.

    Raises:
        StorageError: An array has a type that cannot be stored.
    """
    stored = {}
    for name, array in arrays.items():
        plain = np.asarray(array, order="C")
        if plain.dtype.kind not in KINDS:
            raise StorageError(
                f"array '{name}' has dtype {plain.dtype}: only floats, integers and booleans are stored."
            )
        stored[name] = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    return stored


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The safetensors file."""
    return save(dict(arrays), metadata={"digest": arrays_digest(arrays)})


def from_bytes(data: bytes, digest: str) -> dict[str, np.ndarray] | None:
    """The arrays of a safetensors file; None when it does not hold what `digest` says."""
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, KeyError):
        return None
    return arrays if arrays_digest(arrays) == digest else None
