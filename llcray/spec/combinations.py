"""Conflicts between parts of a run that are each right alone and do not fit together."""

from collections.abc import Iterator
from typing import NamedTuple

from llcray.sampling.budget import too_small_a_budget
from llcray.spec.run import RunSpec
from llcray.targets.loss_on import Examples, PythonExamples
from llcray.targets.variant import TargetVariant


class Conflict(NamedTuple):
    """A combination that cannot run.

    Attributes:
        part: The field of the run to blame.
        key: The key in that part to blame, where it is written; else the part is blamed.
        message: The sentence a user reads: thing, value, reason, remedy.
    """

    part: str
    key: str
    message: str


def conflicts(run: RunSpec) -> Iterator[Conflict]:
    """Every reason why the parts of a run do not fit together."""
    yield from _batch_larger_than_data(run)
    yield from _precision_lost(run)
    yield from _loss_of_another_target(run)
    yield from _missing_examples(run)
    yield from _budget_too_small(run)
    yield from _start_without_a_checkpoint_before(run)


def _batch_larger_than_data(run: RunSpec) -> Iterator[Conflict]:
    batch_size: int | None = getattr(run.sampler, "batch_size", None)
    num_data = run.target.size.num_data
    if batch_size is not None and num_data is not None and batch_size > num_data:
        reason = f"batch_size {batch_size} is more than the {num_data} examples of a target of this sweep"
        yield Conflict("sampler", "batch_size", f"{reason}; lower it, or raise the target's num_data")


def _loss_of_another_target(run: RunSpec) -> Iterator[Conflict]:
    policies = run.target.kind == "fine_tuned"
    if run.loss is not None and not policies:
        reason = f"losses: {run.loss.kind} is a loss of fine_tuned targets, and a target of this sweep is"
        yield Conflict("target", "kind", f"{reason} {run.target.kind}; leave `losses` out, or use loss_on")
    if run.loss_on is not None and policies:
        yield Conflict("target", "kind", "loss_on is not for fine_tuned targets; name another of `losses`")


def _missing_examples(run: RunSpec) -> Iterator[Conflict]:
    if run.loss_on is None and not run.observables:
        return  # The size of a target is counted anew for each of its runs.
    num_data = run.target.size.num_data
    if run.loss_on is not None and run.target.kind != "fine_tuned":
        try:
            num_data = _num_examples(run.target, run.loss_on)
        except ValueError as error:
            yield Conflict("loss_on", "", str(error))
            return
    for observable in run.observables or ():
        try:
            num = num_data if observable.examples == "own" else _num_examples(run.target, observable.examples)
        except ValueError as error:
            yield Conflict("observables", "", f"{observable.name}: {error}")
            continue
        if num is not None and observable.num > num:
            reason = f"{observable.name}: num {observable.num} is more than its {num} examples; lower it"
            yield Conflict("observables", "", reason)


def _num_examples(target: TargetVariant, examples: Examples) -> int | None:
    """The number of examples taken; None where only the target or a function of the user's tells.

    Raises:
        ValueError: The target has no such examples, or fewer.
    """
    available = None if isinstance(examples, PythonExamples) else target.num_examples(examples)
    return None if available is None else examples.num_taken(available)


def _budget_too_small(run: RunSpec) -> Iterator[Conflict]:
    num_data = run.target.size.num_data
    if num_data is not None and (reason := too_small_a_budget(run.sampler, run.sampling, num_data)):
        yield Conflict("sampling", "budget", reason)


def _start_without_a_checkpoint_before(run: RunSpec) -> Iterator[Conflict]:
    if run.sampling.start == "center":
        return
    if run.series_id is None:
        reason = (
            f"start: previous is for checkpoints of a training, and a target of this sweep ({run.target.kind}) is none"
        )
        yield Conflict("sampling", "start", f"{reason}; give the target checkpoints, or leave start out")
    if run.sampler.kind != "auto":
        reason = f"start: previous is for the sampler auto, and a sampler of this sweep is {run.sampler.kind}"
        yield Conflict("sampling", "start", f"{reason}; leave one of the two out")


def _precision_lost(run: RunSpec) -> Iterator[Conflict]:
    needed: str = getattr(run.sampler, "precision", "float32")
    built: str = getattr(getattr(run.target, "training", None), "precision", "float64")
    if (needed, built) == ("float64", "float32"):
        reason = f"{run.sampler.kind} needs float64 targets, and a target of this sweep is trained in float32"
        yield Conflict("sampler", "kind", f"{reason}; set its training.precision to float64")
