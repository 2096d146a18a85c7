"""A run in flight: its schedule, the place of its chains on the device, and the work that it has cost so far."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from llcray.posterior.coordinates import Coordinates
from llcray.posterior.density import Posterior
from llcray.samplers.kernel import Hyper, Kernel
from llcray.sampling.progress import Keeper, fingerprint
from llcray.sampling.schedules.requests import Request, Schedule, Start
from llcray.sampling.stacked import Lanes, Row


@dataclass
class Job:
    """A run in flight.

    Attributes:
        posterior: The posterior, on the host.
        seed: 64-bit integer that all randomness of the run derives from.
        make_schedule: Makes the coroutine that decides for the run; called again where the run has to begin again.
        kernel: The sampler, built; the schedule may replace it.
        num_chains: Number of chains.
        projection_dimension: Number of random directions that draws are recorded along.
        chains: The place of the chains' states; None before the chains start.
        start_hyper: The sampler's numbers at the last start, each of shape (chain, ...).
        hyper: The sampler's numbers in force, each of shape (chain, ...).
        next_draw: Index of the next draw since the last start.
        num_adaptations: Number of adaptations so far.
        seconds: Wall-clock seconds of the run's share of calls, compilation excluded.
        cpu_seconds: The same in processor seconds.
        compile_seconds: Wall-clock seconds of the run's share of compilations.
        num_compilations: Programs compiled for calls that this run led.
        num_splits: How often the pack was halved because the device's memory was too small.
        pack_size: Most runs that one call advanced, this run included.
        keeper: Keeps the unfinished run; None where nothing keeps it.
        journal: Fingerprints of the requests so far, with their answers; empty without a keeper.
        fingerprint: Fingerprint of the request that waits for its answer; empty without a keeper.
        given: The posterior that the run began with, which a schedule may change; None before it begins.
    """

    posterior: Posterior
    seed: int
    make_schedule: Callable[[], Schedule]
    kernel: Kernel
    num_chains: int
    projection_dimension: int = 0
    chains: Row | None = None
    start_hyper: Hyper = field(default_factory=dict)
    hyper: Hyper = field(default_factory=dict)
    next_draw: int = 0
    num_adaptations: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    compile_seconds: float = 0.0
    num_compilations: int = 0
    num_splits: int = 0
    pack_size: int = 1
    keeper: Keeper | None = None
    journal: list[tuple[str, Any]] = field(default_factory=list)
    fingerprint: str = ""
    schedule: Schedule = field(init=False)
    given: Posterior | None = None

    def begin(self) -> Request:
        """Begins the run, or begins it again, and returns the first request of its schedule."""
        self.given = self.posterior if self.given is None else self.given
        self.posterior = self.given
        self.chains = None
        self.journal = []
        self.next_draw = self.num_adaptations = 0
        self.schedule = self.make_schedule()
        return self._noted(next(self.schedule))

    def answer(self, answer: Any) -> Request:
        """Gives the schedule an answer and returns its next request.

        Raises:
            StopIteration: The schedule has ended; the exception holds the `Sampled`.
        """
        if self.keeper is not None:
            self.journal.append((self.fingerprint, answer))
        return self._noted(self.schedule.send(answer))

    def enter(self, coordinates: Coordinates | None) -> bool:
        """Moves the posterior into these coordinates; returns whether it changes: None keeps the present ones."""
        if coordinates is None:
            return False
        dtype = self.posterior.center.dtype
        coordinates = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), coordinates)
        self.posterior = replace(self.posterior, coordinates=coordinates)
        return True

    def lanes(self, width: int) -> Lanes:
        """Returns the layout of `width` runs like this one."""
        return Lanes(width, self.num_chains, not self.posterior.chains_together)

    def _noted(self, request: Request) -> Request:
        if isinstance(request, Start) and request.kernel is not None:
            self.kernel = request.kernel
        if self.keeper is not None:
            self.fingerprint = fingerprint(request)
        return request
