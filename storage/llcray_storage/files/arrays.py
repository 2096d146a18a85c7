"""Arrays of a target as safetensors, identified by a digest of their content, which is checked when they are read.

This module guards against three traps: safetensors silently writes non-contiguous arrays wrong, it orders metadata
at random when there is more than one key, and `ascontiguousarray` gives scalars a dimension.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from llcray_storage.errors import StorageError

STORABLE_KINDS = "fiub"
"""NumPy kinds of dtype that are stored: floats, integers, unsigned integers, booleans."""


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Hash name, dtype, shape and bytes of every array by SHA-256, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def stored_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Bring the arrays into C order and native byte order, as they are stored.

    Raises:
        StorageError: An array has a dtype that cannot be stored.
    """
    stored = {}
    for name, array in arrays.items():
        plain = np.asarray(array, order="C")
        if plain.dtype.kind not in STORABLE_KINDS:
            raise StorageError(
                f"array '{name}' has dtype {plain.dtype}: only floats, integers and booleans are stored."
            )
        stored[name] = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    return stored


def to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode the arrays as a safetensors file, with their digest in its metadata."""
    return save(dict(arrays), metadata={"digest": arrays_digest(arrays)})


def from_bytes(data: bytes, digest: str) -> dict[str, np.ndarray] | None:
    """Decode a safetensors file; None when the digest of its arrays is not `digest`."""
    try:
        arrays = load(data)
    except (SafetensorError, ValueError, KeyError):
        return None
    return arrays if arrays_digest(arrays) == digest else None
