"""The progress of an unfinished run as bytes, from which another process goes on.

A schedule is a generator, which cannot be stored, but the answers that it was given can. A new schedule that is given
the same answers makes the same requests, and so arrives where the first schedule was. The states of the chains are
stored beside the answers. Since randomness depends on run, chain, draw and step alone, the resumed run draws bit for
bit what the first run would have drawn.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from llcray.llc.draws import Draws
from llcray.posterior.coordinates import Coordinates
from llcray.samplers.kernel import Hyper, Kernel
from llcray.sampling.schedules.requests import Adapted, Request

FORMAT = 3
FACTS = "llcray"


class Keeper(Protocol):
    """A keeper of one run's progress, so that the run outlives its worker."""

    def load(self) -> bytes | None:
        """Returns the progress that an earlier worker kept; None if there is none."""
        ...

    def is_due(self) -> bool:
        """Whether it is time to keep the present progress."""
        ...

    def save(self, data: bytes) -> None:
        """Keeps the present progress in place of the earlier one."""
        ...


@dataclass(frozen=True)
class Progress:
    """A run between two requests.

    Attributes:
        fingerprints: Fingerprints of the requests answered so far.
        answers: The answers: None, `Adapted`, `Draws` or an array.
        state: Leaves of the chains' states, each with a leading axis of chains.
        hyper: The sampler's numbers in force, each of shape (chain, ...).
        start_hyper: The sampler's numbers at the last start, each of shape (chain, ...).
        numbers: Counters and seconds, by name.
    """

    fingerprints: tuple[str, ...]
    answers: tuple[Any, ...]
    state: tuple[np.ndarray, ...]
    hyper: Hyper
    start_hyper: Hyper
    numbers: dict[str, float]


def fingerprint(request: Request) -> str:
    """Returns a digest of a request's kind and numbers."""
    assert is_dataclass(request)
    digest = hashlib.sha256(type(request).__name__.encode())
    for name, value in sorted((field.name, getattr(request, field.name)) for field in fields(request)):
        digest.update(name.encode())
        # These follow from the sampler, which the run's id names, and from the answers before.
        if isinstance(value, Kernel | Coordinates):
            continue
        for key, part in sorted(value.items()) if isinstance(value, dict) else [("", value)]:
            digest.update(key.encode())
            is_text = part is None or isinstance(part, str)
            digest.update(str(part).encode() if is_text else np.asarray(part, np.float64).tobytes())
    return digest.hexdigest()[:16]


def encode(progress: Progress, stamp: str) -> bytes:
    """Writes progress as bytes in the format of safetensors.

    Args:
        progress: The progress of one run.
        stamp: Versions and platform, which have to be equal where the run goes on.
    """
    arrays: dict[str, np.ndarray] = {}
    kinds = [_put_answer(arrays, f"answer/{number}", answer) for number, answer in enumerate(progress.answers)]
    for number, leaf in enumerate(progress.state):
        arrays[f"state/{number}"] = leaf
    for name, value in progress.hyper.items():
        arrays[f"hyper/{name}"] = value
    for name, value in progress.start_hyper.items():
        arrays[f"start_hyper/{name}"] = value
    facts = {
        "format": FORMAT,
        "stamp": stamp,
        "asked": progress.fingerprints,
        "kinds": kinds,
        "num_leaves": len(progress.state),
        "numbers": progress.numbers,
    }
    # safetensors garbles arrays of other memory layouts
    contiguous = {name: np.array(value, order="C") for name, value in arrays.items()}
    return save(contiguous, metadata={FACTS: json.dumps(facts)})


def decode(data: bytes, stamp: str) -> Progress | None:
    """Reads progress from bytes; None if the bytes are damaged, or of another version or platform."""
    try:
        arrays, facts = load(data), _facts(data)
    except (SafetensorError, ValueError, KeyError):
        return None
    if facts.get("format") != FORMAT or facts["stamp"] != stamp:
        return None
    answers = tuple(_take_answer(arrays, f"answer/{number}", kind) for number, kind in enumerate(facts["kinds"]))
    return Progress(
        fingerprints=tuple(facts["asked"]),
        answers=answers,
        state=tuple(arrays[f"state/{number}"] for number in range(facts["num_leaves"])),
        hyper=_under(arrays, "hyper/"),
        start_hyper=_under(arrays, "start_hyper/"),
        numbers=facts["numbers"],
    )


def _facts(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"][FACTS])


def _put_answer(arrays: dict[str, np.ndarray], prefix: str, answer: Any) -> str:
    """Adds an answer's arrays under a prefix; returns the kind of the answer."""
    match answer:
        case None:
            return "none"
        case Adapted(hyper=hyper, num_gradients=num_gradients):
            arrays[f"{prefix}/num_gradients"] = np.asarray(num_gradients, np.float64)
            arrays.update({f"{prefix}/hyper/{name}": np.asarray(value) for name, value in hyper.items()})
            return "adapted"
        case Draws():
            arrays.update({f"{prefix}/{name}": np.asarray(value) for name, value in answer._asdict().items()})
            return "draws"
        case _:
            arrays[f"{prefix}/array"] = np.asarray(answer)
            return "array"


def _take_answer(arrays: dict[str, np.ndarray], prefix: str, kind: str) -> Any:
    if kind == "none":
        return None
    if kind == "adapted":
        return Adapted(_under(arrays, f"{prefix}/hyper/"), float(arrays[f"{prefix}/num_gradients"]))
    if kind == "draws":
        return Draws(**_under(arrays, f"{prefix}/"))
    return arrays[f"{prefix}/array"]


def _under(arrays: dict[str, np.ndarray], prefix: str) -> Hyper:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
