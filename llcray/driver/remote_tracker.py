"""A tracker on a Ray actor: the training loop hands over weights and goes on, the actor estimates and writes."""

from collections.abc import Callable
from typing import Any

import ray

from llcray.tracking import LLCTracker


class RemoteTracker:
    """An `LLCTracker` elsewhere in the cluster; the same methods. Estimates are made one after another."""

    def __init__(
        self, loss_fn: Callable[..., Any], *, resources: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        """Starts the actor.

        Args:
            loss_fn: See `LLCTracker`.
            resources: Options of the actor, such as `{"num_gpus": 1}`.
            settings: See `LLCTracker`. `storage` must be a place that the actor's machine reaches.
        """
        self._local = LLCTracker(loss_fn, **settings)
        self._actor: Any = ray.remote(LLCTracker).options(**(resources or {})).remote(loss_fn, **settings)
        self._pending: list[Any] = []

    def track(self, step: int, params: Any, batch_source: Any, **options: Any) -> Any:
        """Hands a step over; a reference to the result, or None when the step is not due.

        Args:
            step: Training step.
            params: A pytree, copied now.
            batch_source: Data, batches or a function; read on the actor.
            options: See `LLCTracker.track`.
        """
        if not self._local.is_due(step):
            return None
        import jax
        import numpy as np

        self._pending.append(self._actor.track.remote(step, jax.tree.map(np.asarray, params), batch_source, **options))
        return self._pending[-1]

    def wait(self) -> None:
        """Returns once all estimates are written.

        Raises:
            Exception: What ended one of them.
        """
        pending, self._pending = self._pending, []
        ray.get(pending)

    def evolution(self) -> Any:
        """See `LLCTracker.evolution`; of what is written by now."""
        return self._local.evolution()

    def detect_transitions(self) -> Any:
        """See `LLCTracker.detect_transitions`."""
        return self._local.detect_transitions()

    def subnetwork(self, **options: Any) -> Any:
        """See `LLCTracker.subnetwork`."""
        return self._local.subnetwork(**options)
