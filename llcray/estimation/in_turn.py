"""Estimates that go on from one another: along a training, each from the estimate at the checkpoint before."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from llcray.estimation.companions import estimate_with_companions
from llcray.estimation.pack import RunEstimate, raise_failure
from llcray.estimation.prepare import FailureFn
from llcray.estimation.request import EstimateRequest
from llcray.llc.draws import Draws
from llcray.sampling.engine import ProgressFn
from llcray.sampling.handover import Handover
from llcray.sampling.schedules.requests import Phase
from llcray.targets.target import Target


def estimate_in_turn(
    wanted: Sequence[tuple[Target, EstimateRequest]],
    follows: Mapping[int, int],
    on_progress: ProgressFn | None = None,
    on_failure: FailureFn = raise_failure,
    max_width: int | None = None,
) -> Iterator[tuple[int, RunEstimate]]:
    """Estimates all requests like `estimate_with_companions`, those that follow others after these.

    Those that wait for none run side by side; then those that follow them; and so on. Where the one followed has failed
    or has nothing to hand over, chains start at w*.

    Args:
        wanted: Targets, and the estimates wanted of them.
        follows: Index of the request that a request goes on from, by its own index.
        on_progress: See `estimate_pack`.
        on_failure: See `estimate_pack`.
        max_width: See `estimate_pack`.
    """
    left, ends = set(range(len(wanted))), dict[int, Handover | None]()
    while left:
        ready = sorted(index for index in left if follows.get(index) not in left)
        pack = [wanted[index] for index in ready]
        for place, index in enumerate(ready):
            if index in follows:
                target, request = pack[place]
                pack[place] = (target, replace(request, handover=ends.pop(follows[index], None)))

        def progress(place: int, phase: Phase, draws: Draws | None, ready: list[int] = ready) -> None:
            if on_progress is not None:
                on_progress(ready[place], phase, draws)

        def fail(place: int, error: Exception, ready: list[int] = ready) -> None:
            on_failure(ready[place], error)

        for place, result in estimate_with_companions(pack, progress, fail, max_width):
            ends[ready[place]] = result.sampled.handover
            yield ready[place], result
        left -= set(ready)
