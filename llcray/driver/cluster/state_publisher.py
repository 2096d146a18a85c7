"""Shows a driver's state to its cluster every few seconds, and reads whether the driver was asked to stop."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RaySystemError, RpcError

from llcray.driver.cluster.cost_meter import CostMeter
from llcray.driver.cluster.driver_state import (
    SECONDS_BETWEEN_STATES,
    DriverState,
    StopRequest,
    TrialState,
    WorkerLocation,
    identity,
    publish,
    publish_location,
    requested_stop,
    withdraw,
    withdraw_silent,
)
from llcray.driver.progress.tracker import Running, Tracker

SECONDS_BETWEEN_READINGS = 10.0


class StatePublisher:
    """Publishes the state of one driver.

    While the cluster's head does not answer, the states of that time are lost and the sweep goes on.

    Attributes:
        stop_request: What the driver was asked through the cluster, as of the last tick.
        usd: Cost of the cluster since the driver started; None where no machine says its price.
    """

    def __init__(self, tracker: Tracker, storage: str) -> None:
        """Publishes nothing yet.

        Args:
            tracker: How far the sweep is.
            storage: Root of the dataset.
        """
        self._tracker, self._storage = tracker, storage
        self._identity = identity()
        self._meter = CostMeter()
        self._started = time.time()
        self._last_state = self._last_reading = -math.inf
        self._locations: dict[int, WorkerLocation] = {}
        self.stop_request: StopRequest = ""
        self.usd: float | None = None

    def trial_is_at(self, index: int, location: WorkerLocation) -> None:
        """Takes note of the process that a trial reports from."""
        if self._locations.get(index) != location:
            self._locations[index] = location
            with _unless_head_is_away():
                publish_location([run.run_id for run in self._tracker.plans[index].runs], location)

    def tick(self) -> None:
        """Publishes the state and reads the request to stop, once every `SECONDS_BETWEEN_STATES`."""
        now = time.monotonic()
        if now - self._last_state < SECONDS_BETWEEN_STATES:
            return
        self._last_state = now
        with _unless_head_is_away():
            if now - self._last_reading >= SECONDS_BETWEEN_READINGS:
                self._last_reading = now
                self._meter.read(_nodes())
                self.usd = self._meter.usd
                withdraw_silent(self._tracker.sweep, self._storage)
            publish(self._state())
            self.stop_request = requested_stop(self._identity["driver"])

    def close(self) -> None:
        """Withdraws the state."""
        with _unless_head_is_away():
            withdraw(self._identity["driver"])

    def _state(self) -> DriverState:
        tracker = self._tracker
        self._locations = {index: self._locations[index] for index in tracker.running if index in self._locations}
        return DriverState(
            sweep=tracker.sweep,
            storage=self._storage,
            **self._identity,
            started=self._started,
            updated=time.time(),
            num_runs=tracker.num_runs,
            num_done=tracker.num_done,
            num_failed=tracker.num_failed,
            num_slots=tracker.num_slots,
            seconds_left=tracker.seconds_left(),
            usd=self._meter.usd,
            usd_per_hour=self._meter.usd_per_hour,
            stopped=tracker.stopped,
            trials=tuple(self._trial_state(running) for running in list(tracker.running.values())),
        )

    def _trial_state(self, running: Running) -> TrialState:
        report = running.report
        run_id = report.run_id or self._tracker.plans[running.index].runs[0].run_id
        return TrialState(
            trial=running.index + 1,
            label=self._tracker.labels.get(run_id, ""),
            run_id=run_id,
            phase=report.phase,
            fraction=report.fraction,
            llc=report.llc if math.isfinite(report.llc) else None,
            seconds=time.monotonic() - running.started,
            retries=len(self._tracker.losses.get(running.index, ())),
            location=self._locations.get(running.index, WorkerLocation()),
        )


def _nodes() -> Sequence[Mapping[str, Any]]:
    return ray.nodes()


@contextlib.contextmanager
def _unless_head_is_away() -> Iterator[None]:
    """Skips the rest of a block when the head does not answer: Ray itself reconnects, or ends the driver."""
    with contextlib.suppress(ConnectionError, TimeoutError, RaySystemError, RpcError):
        yield
