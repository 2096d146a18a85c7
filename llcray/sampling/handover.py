"""The handover from a run to the run at the next checkpoint of a training: where chains are, and what was learned.

A checkpoint's posterior is much like that of the checkpoint before, so chains that start from displacements w - w* of
the run before need no burn-in from w*, and a step-size bias that was measured there need not be measured again.
"""

import json
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

DISPLACEMENT, NUMBERS = "displacement", "numbers"


@dataclass(frozen=True)
class Handover:
    """The state that a run of `auto` hands to the run at the next checkpoint.

    Attributes:
        displacement: w - w* of each chain at the end of the run, shape (chain, d).
        localization: gamma of the run.
        squared_step: h^2 for the next run.
        largest_squared_step: Largest h^2 that a production may have, a fraction of that of the hot burn-in.
        batch_size: Examples per gradient.
        gradient: `minibatch` or `control_variate`.
        heat_is_noise: Whether gradient noise predicts the step-size bias, and not heat.
        factor: c, by which the predicted step-size bias is multiplied (see `llcray.llc.step_bias`).
        factor_se: Standard error of c.
    """

    displacement: np.ndarray
    localization: float
    squared_step: float
    largest_squared_step: float
    batch_size: int | None
    gradient: str
    heat_is_noise: bool
    factor: float
    factor_se: float


def encode(handover: Handover, stamp: str) -> bytes:
    """Writes a handover as bytes in the format of safetensors.

    Args:
        handover: The handover.
        stamp: Versions and platform, which have to be equal where the next run starts.
    """
    numbers = {name: value for name, value in vars(handover).items() if name != DISPLACEMENT}
    # safetensors garbles arrays of other memory layouts
    arrays = {DISPLACEMENT: np.array(handover.displacement, order="C")}
    return save(arrays, metadata={NUMBERS: json.dumps({"stamp": stamp, **numbers})})


def decode(data: bytes, stamp: str) -> Handover | None:
    """Reads a handover from bytes; None if the bytes are damaged, or of another version or platform."""
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        numbers = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][NUMBERS])
        return Handover(arrays[DISPLACEMENT], **numbers) if numbers.pop("stamp") == stamp else None
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError):
        return None
