"""The targets of one trial: each is built once, on the examples and with the loss that its runs ask for."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

from llcray_storage import Dataset, StorageError

from llcray.array_types import PyTree
from llcray.estimation.other_examples import on_other_examples
from llcray.estimation.probes import probe_examples
from llcray.spec import RunSpec
from llcray.targets.stored import load_or_build, prepare_checkpoints
from llcray.targets.target import Target
from llcray.targets.variant import TargetVariant
from llcray.variant import content_id


class TrialTargets:
    """Gives the target of a run; builds it, and trains for it, when it is first asked for.

    A target that cannot be built fails each run that asks for it with the error of the one attempt. Errors of the
    storage are no property of a target, and are not remembered.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._built: dict[Hashable, Any] = {}
        self._errors: dict[Hashable, Exception] = {}

    def prepare(self, specs: Sequence[TargetVariant]) -> None:
        """Trains side by side for the checkpoints among these.

        Where one of the trainings diverges, each is done alone when it is asked for, and fails alone.
        """
        with suppress(FloatingPointError):
            prepare_checkpoints(specs, self._dataset)

    def target_of(self, run: RunSpec) -> Target:
        """The target of a run, on the examples and with the loss of that run."""
        if run.trajectory_id is not None:
            self._once(("training", run.trajectory_id), lambda: prepare_checkpoints([run.target], self._dataset))
        own: Target = self._once(("target", run.target_id), lambda: load_or_build(run.target, self._dataset))
        loss, loss_on = run.loss, run.loss_on
        if loss is not None:
            return self._once(_key(run), lambda: run.target.with_loss(own, loss))
        if loss_on is not None:
            return self._once(_key(run), lambda: on_other_examples(own, run.target, loss_on))
        return own

    def probe_of(self, run: RunSpec) -> PyTree:
        """The probe examples of a run; one object for all runs of a target, which then share their posterior."""
        observables = run.observables
        if not observables:
            return None
        target = self.target_of(run)
        key = ("probes", _key(run), content_id(list(observables)))
        return self._once(key, lambda: probe_examples(observables, target, run.target))

    def _once(self, key: Hashable, build: Callable[[], Any]) -> Any:
        """The value that `build` returns, or the error that it raises, the first time a key is asked for."""
        if key in self._errors:
            raise self._errors[key]
        if key not in self._built:
            try:
                self._built[key] = build()
            except StorageError:
                raise
            except Exception as error:
                self._errors[key] = error
                raise
        return self._built[key]


def _key(run: RunSpec) -> Hashable:
    """Names the target of a run with its loss and its examples."""
    return (run.target_id, *(part and content_id(part) for part in (run.loss, run.loss_on)))
