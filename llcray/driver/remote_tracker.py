"""Tracks LLCs on a Ray actor: the training loop hands over weights and goes on, the actor estimates and writes."""

from collections.abc import Callable
from typing import Any

import ray

from llcray.tracking import LLCTracker
from llcray.tracking.torch_module import copied, is_torch_module


class RemoteTracker:
    """An `LLCTracker` on a Ray actor, with the same methods. The actor makes estimates one after another."""

    def __init__(
        self, loss_fn: Callable[..., Any], *, resources: dict[str, Any] | None = None, **settings: Any
    ) -> None:
        """Starts the actor.

        Args:
            loss_fn: Loss of each example, as for `LLCTracker`.
            resources: Options of the actor, such as `{"num_gpus": 1}`.
            settings: Further arguments of `LLCTracker`. The actor's machine must reach `storage`.
        """
        self._local = LLCTracker(loss_fn, **settings)
        self._actor: Any = ray.remote(LLCTracker).options(**(resources or {})).remote(loss_fn, **settings)
        self._pending: list[Any] = []

    def track(self, step: int, params: Any, batch_source: Any, **options: Any) -> Any:
        """Hands a step to the actor.

        Args:
            step: Training step.
            params: Weights, a pytree, copied now; or a PyTorch module, copied now, which the actor traces.
            batch_source: Data, batches or a function; read on the actor.
            options: Further arguments of `LLCTracker.track`.

        Returns:
            Ray's reference to the result of `LLCTracker.track`; None when the step is not due.
        """
        if not self._local.is_due(step):
            return None
        import jax
        import numpy as np

        now = copied(params) if is_torch_module(params) else jax.tree.map(np.asarray, params)
        self._pending.append(self._actor.track.remote(step, now, batch_source, **options))
        return self._pending[-1]

    def wait(self) -> None:
        """Waits until all estimates are written.

        Raises:
            Exception: The exception that ended one of the estimates.
        """
        pending, self._pending = self._pending, []
        ray.get(pending)

    def evolution(self) -> Any:
        """Returns what `LLCTracker.evolution` does, for the estimates that are written by now."""
        return self._local.evolution()

    def detect_transitions(self) -> Any:
        """Returns what `LLCTracker.detect_transitions` does, for the estimates that are written by now."""
        return self._local.detect_transitions()

    def subnetwork(self, **options: Any) -> Any:
        """Returns what `LLCTracker.subnetwork` does, for the estimates that are written by now."""
        return self._local.subnetwork(**options)
