"""What a driver shows of itself to its cluster, and what it is asked through it.

Once every few seconds the driver puts its state into the key-value store of the cluster's head, where `llcray status`,
`llcray logs` and `llcray stop` find it. A driver that was killed leaves its last state, with its age.
"""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llcray.driver.cluster.ray_internals import delete_value, keys_with_prefix, put_value, value_of

NAMESPACE = "llcray"
SECONDS_BETWEEN_SIGNS = 2.0
SECONDS_ALIVE = 30.0
JOB_VARIABLE = "LLCRAY_JOB"
"""Environment variable by which a submitted driver knows its job; Ray has none that drivers see."""

Wish = Literal["", "drain", "stop"]


@dataclass(frozen=True)
class Place:
    """Where a trial runs or ran.

    Attributes:
        node_id: Ray's id of the machine.
        node: Its name.
        worker_id: Ray's id of the process; names its log files.
        pid: Of the process.
    """

    node_id: str = ""
    node: str = ""
    worker_id: str = ""
    pid: int = 0


@dataclass(frozen=True)
class TrialSign:
    """A trial under way.

    Attributes:
        trial: Its number, from 1.
        label: What distinguishes its present run.
        run_id: The present run; empty while the target is built.
        phase: What it does.
        fraction: Share of the run's budget that is spent.
        llc: Running estimate, nats; None before the first.
        seconds: Since it started.
        retries: Workers it has lost.
        place: Where it runs.
    """

    trial: int
    label: str
    run_id: str
    phase: str
    fraction: float
    llc: float | None
    seconds: float
    retries: int
    place: Place


@dataclass(frozen=True)
class Sign:
    """The state of a driver.

    Attributes:
        sweep: Its sweep.
        storage: Root of the dataset.
        job: Id of the submitted job it runs in; empty where it was started by hand.
        host: Machine it runs on.
        pid: Its process there.
        started: Seconds since the epoch.
        updated: The same.
        num_runs: Runs to do.
        num_ok: Done, with an estimate.
        num_failed: Done, without.
        num_slots: Trials that can run at a time.
        seconds_left: Expected; None before anything is known.
        usd: Cost of the cluster since the start; None where no machine says its price.
        usd_per_hour: The same now.
        stopped: Why it ended early; `draining` while trials under way are waited for.
        trials: Those under way.
    """

    sweep: str
    storage: str
    job: str
    host: str
    pid: int
    started: float
    updated: float
    num_runs: int
    num_ok: int
    num_failed: int
    num_slots: int
    seconds_left: float | None
    usd: float | None
    usd_per_hour: float | None
    stopped: str
    trials: tuple[TrialSign, ...] = field(default=())

    @property
    def age(self) -> float:
        """Seconds since the last sign of life."""
        return time.time() - self.updated

    @property
    def is_alive(self) -> bool:
        """Whether the driver has been heard of lately."""
        return self.age < SECONDS_ALIVE


def identity() -> dict[str, Any]:
    """Which process this is: job, host, pid."""
    return {"job": os.environ.get(JOB_VARIABLE, ""), "host": platform.node(), "pid": os.getpid()}


def publish(sign: Sign) -> None:
    """Shows a state to the cluster that this process is connected to."""
    put_value(NAMESPACE, f"sign:{sign.sweep}", json.dumps(asdict(sign)))


def withdraw(sweep: str) -> None:
    """Takes a driver's state back, and what it was asked."""
    for key in (f"sign:{sweep}", f"wish:{sweep}"):
        delete_value(NAMESPACE, key)


def signs() -> list[Sign]:
    """All drivers that have shown themselves to the cluster, newest first."""
    found = [_parse(value) for key in keys_with_prefix(NAMESPACE, "sign:") if (value := value_of(NAMESPACE, key))]
    return sorted(found, key=lambda sign: -sign.updated)


def wish(sweep: str, what: Wish) -> None:
    """Asks the driver of a sweep to start no more trials (`drain`), or to stop now."""
    put_value(NAMESPACE, f"wish:{sweep}", what)


def wished(sweep: str) -> Wish:
    """What the driver of a sweep was asked."""
    value = value_of(NAMESPACE, f"wish:{sweep}")
    return "drain" if value == "drain" else "stop" if value == "stop" else ""


def remember_place(run_ids: Sequence[str], place: Place) -> None:
    """Notes where runs are done, for whoever wants their logs."""
    for run_id in run_ids:
        put_value(NAMESPACE, f"place:{run_id}", json.dumps(asdict(place)))


def place_of(run_id: str) -> Place | None:
    """Where a run is or was done last; None where the cluster does not know."""
    value = value_of(NAMESPACE, f"place:{run_id}")
    return Place(**json.loads(value)) if value else None


def _parse(text: str) -> Sign:
    fields = json.loads(text)
    trials = tuple(TrialSign(**{**trial, "place": Place(**trial["place"])}) for trial in fields.pop("trials"))
    return Sign(**fields, trials=trials)
