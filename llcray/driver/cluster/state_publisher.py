"""Shows a driver's state to its cluster every few seconds, and hears what it is asked there."""

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RaySystemError, RpcError

from llcray.driver.cluster.cost_meter import Meter
from llcray.driver.cluster.driver_state import (
    SECONDS_BETWEEN_SIGNS,
    Place,
    Sign,
    TrialSign,
    Wish,
    identity,
    publish,
    remember_place,
    wished,
    withdraw,
)
from llcray.driver.progress.tracker import Running, Tracker

SECONDS_BETWEEN_READINGS = 10.0


class Herald:
    """Of one driver. A head that does not answer costs a sign, not the sweep."""

    def __init__(self, tracker: Tracker, storage: str) -> None:
        """Nothing shown yet; wishes of an earlier driver are forgotten."""
        self._tracker, self._storage = tracker, storage
        self._identity = identity()
        self._meter = Meter()
        self._started = time.time()
        self._last_sign = self._last_reading = -math.inf
        self._places: dict[int, Place] = {}
        self.wish: Wish = ""
        self.usd: float | None = None
        with _without_a_head():
            withdraw(tracker.sweep)

    def trial_is_at(self, index: int, place: Place) -> None:
        """A trial reports from a place."""
        if self._places.get(index) != place:
            self._places[index] = place
            with _without_a_head():
                remember_place([run.run_id for run in self._tracker.plans[index].runs], place)

    def tick(self) -> None:
        """Shows the state and hears wishes, now and then."""
        now = time.monotonic()
        if now - self._last_sign < SECONDS_BETWEEN_SIGNS:
            return
        self._last_sign = now
        with _without_a_head():
            if now - self._last_reading >= SECONDS_BETWEEN_READINGS:
                self._last_reading = now
                self._meter.read(_nodes())
                self.usd = self._meter.usd
            publish(self._sign())
            self.wish = wished(self._tracker.sweep)

    def close(self) -> None:
        """Takes the state back."""
        with _without_a_head():
            withdraw(self._tracker.sweep)

    def _sign(self) -> Sign:
        tracker = self._tracker
        return Sign(
            sweep=tracker.sweep,
            storage=self._storage,
            **self._identity,
            started=self._started,
            updated=time.time(),
            num_runs=tracker.num_runs,
            num_ok=tracker.num_ok,
            num_failed=tracker.num_failed,
            num_slots=tracker.num_slots,
            seconds_left=tracker.seconds_left(),
            usd=self._meter.usd,
            usd_per_hour=self._meter.usd_per_hour,
            stopped=tracker.stopped,
            trials=tuple(self._trial(running) for running in list(tracker.running.values())),
        )

    def _trial(self, running: Running) -> TrialSign:
        report = running.report
        run_id = report.run_id or self._tracker.plans[running.index].runs[0].run_id
        return TrialSign(
            trial=running.index + 1,
            label=self._tracker.labels.get(run_id, ""),
            run_id=run_id,
            phase=report.phase,
            fraction=report.fraction,
            llc=report.llc if math.isfinite(report.llc) else None,
            seconds=time.monotonic() - running.started,
            retries=len(self._tracker.losses.get(running.index, ())),
            place=self._places.get(running.index, Place()),
        )


def _nodes() -> Sequence[Mapping[str, Any]]:
    return ray.nodes()


@contextlib.contextmanager
def _without_a_head() -> Iterator[None]:
    """Lets an unreachable head pass: the driver goes on, and Ray reconnects or ends it."""
    with contextlib.suppress(ConnectionError, TimeoutError, RaySystemError, RpcError):
        yield
