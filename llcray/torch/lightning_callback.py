"""Tracking of LLCs in the training loop of Lightning."""

from typing import Any

from lightning.pytorch import Callback

from llcray.torch.tracks import Tracks


class LLCLightningCallback(Callback):
    """Hands the module to a tracker after each step of an optimiser, and before the first.

        Trainer(callbacks=[llcray.torch.LLCLightningCallback(tracker, {"x": x, "y": y})])

    Args:
        tracker: An `LLCTracker`, or a `RemoteTracker` that samples on an actor while training goes on.
        data: Examples, as `LLCTracker.track` takes them: the same at all steps.
    """

    def __init__(self, tracker: Tracks, data: Any) -> None:
        self._tracker, self._data = tracker, data
        self._last = -1

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._track(trainer, pl_module)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._track(trainer, pl_module)

    def _track(self, trainer: Any, module: Any) -> None:
        """Tracks a step once: batches whose gradients are accumulated share it."""
        if trainer.is_global_zero and trainer.global_step != self._last:
            self._last = trainer.global_step
            self._tracker.track(self._last, module, self._data)
