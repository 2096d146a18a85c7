"""Unfinished runs on paper: what a run has drawn and where its chains are, so that another process goes on from there.

A schedule is a generator, which cannot be stored. Its answers can: a new one that is given the same answers asks the
same again, and is then where the first one was. With the chains' states beside it, and randomness that depends on run,
chain, draw and step alone, what follows is bit-identical to what would have followed.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from llcray.llc.draws import Draws
from llcray.samplers.kernel import Kernel
from llcray.sampling.schedules.requests import Adapted, Request

FORMAT = 1
FACTS = "llcray"


class Keeper(Protocol):
    """Where the state of one run is kept."""

    def load(self) -> bytes | None:
        """What an earlier worker kept."""
        ...

    def is_due(self) -> bool:
        """Whether it is time to keep what there is."""
        ...

    def save(self, data: bytes) -> None:
        """Keeps it."""
        ...


@dataclass(frozen=True)
class Progress:
    """A run between two requests.

    Attributes:
        asked: Fingerprints of the requests answered so far.
        answers: The answers: None, `Adapted`, `Draws` or an array.
        state: Leaves of the chains' states, each with a leading axis of chains.
        hyper: The sampler's numbers in force.
        start_hyper: Those it started from.
        numbers: Counters and seconds, by name.
    """

    asked: tuple[str, ...]
    answers: tuple[Any, ...]
    state: tuple[np.ndarray, ...]
    hyper: dict[str, np.ndarray]
    start_hyper: dict[str, np.ndarray]
    numbers: dict[str, float]


def fingerprint(request: Request) -> str:
    """A request's kind and numbers, in short."""
    assert is_dataclass(request)
    digest = hashlib.sha256(type(request).__name__.encode())
    for name, value in sorted((one.name, getattr(request, one.name)) for one in fields(request)):
        digest.update(name.encode())
        if isinstance(value, Kernel):  # built by the schedule from the sampler, whose id is the run's
            continue
        for key, part in sorted(value.items()) if isinstance(value, dict) else [("", value)]:
            digest.update(key.encode())
            is_text = part is None or isinstance(part, str)
            digest.update(str(part).encode() if is_text else np.asarray(part, np.float64).tobytes())
    return digest.hexdigest()[:16]


def encode(progress: Progress, stamp: str) -> bytes:
    """Progress as bytes.

    Args:
        progress: Of one run.
        stamp: What has to be equal where the run goes on: versions, platform.
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
        "asked": progress.asked,
        "kinds": kinds,
        "num_leaves": len(progress.state),
        "numbers": progress.numbers,
    }
    whole = {name: np.array(value, order="C") for name, value in arrays.items()}  # safetensors garbles other layouts
    return save(whole, metadata={FACTS: json.dumps(facts)})


def decode(data: bytes, stamp: str) -> Progress | None:
    """Progress from bytes; None where they were made by another version or on another platform, or are damaged."""
    try:
        arrays, facts = load(data), _facts(data)
    except (SafetensorError, ValueError, KeyError):
        return None
    if facts.get("format") != FORMAT or facts["stamp"] != stamp:
        return None
    answers = tuple(_take_answer(arrays, f"answer/{number}", kind) for number, kind in enumerate(facts["kinds"]))
    return Progress(
        asked=tuple(facts["asked"]),
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
    """Puts an answer's arrays; returns its kind."""
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


def _under(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
