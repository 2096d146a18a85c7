"""Tracking of LLCs in the training loop of Hugging Face's `Trainer`."""

from typing import Any

from transformers import TrainerCallback

from llcray.torch.tracks import Tracks


class LLCTrainerCallback(TrainerCallback):
    """Hands the model to a tracker after each step of an optimiser, and before the first.

        tracker = LLCTracker(llcray.torch.next_token_loss(model), every=100, name="my_run")
        callback = llcray.torch.LLCTrainerCallback(tracker, {"tokens": tokens})
        Trainer(model, args, train_dataset=rows, callbacks=[callback]).train()

    Args:
        tracker: An `LLCTracker`, or a `RemoteTracker` that samples on an actor while training goes on.
        data: Examples, as `LLCTracker.track` takes them: the same at all steps.
    """

    def __init__(self, tracker: Tracks, data: Any) -> None:
        self._tracker, self._data = tracker, data

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._track(state, kwargs["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._track(state, kwargs["model"])

    def _track(self, state: Any, model: Any) -> None:
        if state.is_world_process_zero:
            self._tracker.track(state.global_step, model, self._data)
