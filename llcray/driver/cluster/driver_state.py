"""How a driver and the commands that look at its cluster talk to each other: records, and where they are kept.

A driver writes its state into the key-value store of the cluster's head every few seconds, under a key of its own,
since a sweep may have several drivers. There `llcray status` and `llcray logs` read it, and `llcray stop` leaves a
request that the driver reads. A driver that was killed leaves its last state behind, whose age shows that the driver is
gone, until another driver of the sweep removes it.
"""

import json
import os
import platform
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from llcray.driver.cluster.ray_internals import delete_value, keys_with_prefix, put_value, value_of

NAMESPACE = "llcray"
SECONDS_BETWEEN_STATES = 2.0
SECONDS_ALIVE = 30.0
JOB_VARIABLE = "LLCRAY_JOB"
"""Environment variable by which a submitted driver knows its job; Ray has none that drivers see."""
SUBMITTED_BY_VARIABLE = "LLCRAY_SUBMITTED_BY"
"""Environment variable with the command that submitted a driver, which the driver's user repeats to go on."""
TRIAL_BEGINS = "llcray: trial"
"""How the line begins that a worker logs when it starts a trial."""

StopRequest = Literal["", "drain", "stop"]
"""Whether a driver should end early: `drain` starts no more trials, `stop` also ends those under way."""


@dataclass(frozen=True)
class WorkerLocation:
    """The process that a trial runs or ran in.

    Attributes:
        node_id: Ray's id of the machine.
        node: Host name of the machine.
        worker_id: Ray's id of the process, which names the process's log files.
        pid: Process id.
    """

    node_id: str = ""
    node: str = ""
    worker_id: str = ""
    pid: int = 0


@dataclass(frozen=True)
class TrialState:
    """The state of a trial under way.

    Attributes:
        trial: Number of the trial, from 1.
        label: What tells the trial's present run from the sweep's others.
        run_id: The present run; empty while the target is built.
        phase: What the trial does now.
        fraction: Share of the run's budget that is spent.
        llc: Running estimate, nats; None before the first.
        seconds: Time since the trial started.
        retries: Number of workers that died at the trial.
        location: Process of the trial.
    """

    trial: int
    label: str
    run_id: str
    phase: str
    fraction: float
    llc: float | None
    seconds: float
    retries: int
    location: WorkerLocation


@dataclass(frozen=True)
class DriverState:
    """The state of a driver.

    Attributes:
        driver: Name of the driver, unique.
        sweep: Name of the sweep.
        storage: Root of the dataset.
        job: Id of the submitted job that the driver is; empty for a driver that was started by hand.
        host: Machine that the driver runs on.
        pid: Process id of the driver on that machine.
        started: When the driver started, seconds since the epoch.
        updated: When this state was taken, seconds since the epoch.
        num_runs: Runs to do.
        num_done: Runs that have an estimate.
        num_failed: Runs that failed.
        num_slots: Trials that can run at a time.
        seconds_left: Expected time to the end; None before anything is known.
        usd: Cost of the cluster since the driver started; None where no machine says its price.
        usd_per_hour: Present cost of the cluster; None where no machine says its price.
        stopped: Why the sweep ended early; `draining` while trials under way are waited for.
        trials: The trials under way.
    """

    driver: str
    sweep: str
    storage: str
    job: str
    host: str
    pid: int
    started: float
    updated: float
    num_runs: int
    num_done: int
    num_failed: int
    num_slots: int
    seconds_left: float | None
    usd: float | None
    usd_per_hour: float | None
    stopped: str
    trials: tuple[TrialState, ...] = field(default=())

    @property
    def age(self) -> float:
        """Seconds since the state was taken."""
        return time.time() - self.updated

    @property
    def is_alive(self) -> bool:
        """Whether the state is so new that the driver must be alive."""
        return self.age < SECONDS_ALIVE


def identity() -> dict[str, Any]:
    """Returns the fields of `DriverState` that tell a driver of this process from all others, `driver` a new name."""
    job, host = os.environ.get(JOB_VARIABLE, ""), platform.node()
    return {"driver": secrets.token_hex(8), "job": job, "host": host, "pid": os.getpid()}


def publish(state: DriverState) -> None:
    """Shows a state to the cluster that this process is connected to."""
    put_value(NAMESPACE, f"driver:{state.driver}", json.dumps(asdict(state)))


def withdraw(driver: str) -> None:
    """Removes the state of a driver from the cluster, and any request to stop it."""
    for key in (f"driver:{driver}", f"stop:{driver}"):
        delete_value(NAMESPACE, key)


def withdraw_silent(sweep: str, storage: str) -> None:
    """Removes what drivers of a sweep into a dataset have left that show themselves no more."""
    for state in published_states():
        if (state.sweep, state.storage) == (sweep, storage) and not state.is_alive:
            withdraw(state.driver)


def published_states() -> list[DriverState]:
    """Reads the states of all drivers of the cluster, newest first."""
    keys = keys_with_prefix(NAMESPACE, "driver:")
    states = [_parse(value) for key in keys if (value := value_of(NAMESPACE, key))]
    return sorted(states, key=lambda state: -state.updated)


def request_stop(driver: str, request: StopRequest) -> None:
    """Leaves a request for a driver."""
    put_value(NAMESPACE, f"stop:{driver}", request)


def requested_stop(driver: str) -> StopRequest:
    """Reads the request that was left for a driver; empty where there is none."""
    value = value_of(NAMESPACE, f"stop:{driver}")
    return "drain" if value == "drain" else "stop" if value == "stop" else ""


def publish_location(run_ids: Sequence[str], location: WorkerLocation) -> None:
    """Notes in which process runs are done, for `llcray logs`."""
    for run_id in run_ids:
        put_value(NAMESPACE, f"worker:{run_id}", json.dumps(asdict(location)))


def location_of(run_id: str) -> WorkerLocation | None:
    """Reads in which process a run is done or was done last; None where the cluster does not know the run."""
    value = value_of(NAMESPACE, f"worker:{run_id}")
    return WorkerLocation(**json.loads(value)) if value else None


def _parse(text: str) -> DriverState:
    fields = json.loads(text)
    trials = tuple(
        TrialState(**{**trial, "location": WorkerLocation(**trial["location"])}) for trial in fields.pop("trials")
    )
    return DriverState(**fields, trials=trials)
