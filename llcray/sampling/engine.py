"""Runs schedules on the device: like requests of several runs become calls of one vmapped program.

All runs given together must share a compile signature: loss, layout, shapes, static sampler fields, number of chains.
They may be of different targets. Every run decides for itself; one that has finished is left out of the calls that
follow, which are cut from the runs that are left (`llcray.sampling.widths`), so nothing is compiled for that.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import jax
import numpy as np

from llcray.llc.draws import Draws
from llcray.llc.estimate import Work
from llcray.posterior.density import Posterior
from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.sampling import block
from llcray.sampling.program import Program, compilations, is_out_of_memory
from llcray.sampling.progress import Keeper, fingerprint
from llcray.sampling.resume import keep, take_up
from llcray.sampling.schedules.requests import (
    Adapt,
    Adapted,
    Advance,
    MeasureNoise,
    Phase,
    Request,
    Sampled,
    Schedule,
    Start,
    phase_of,
)
from llcray.sampling.stacked import Kept, Lanes, Row, Stacked, place, restack, stack
from llcray.sampling.widths import Widths

ProgressFn = Callable[[int, Phase, Draws | None], None]


@dataclass
class Job:
    """A run in flight.

    Attributes:
        posterior: Its posterior, on the host.
        seed: 64-bit integer all its randomness derives from.
        make_schedule: Gives the coroutine that decides; a new one where the run has to begin again.
        kernel: The sampler, built; its schedule may replace it.
        num_chains: Number of chains.
        projection_dimension: Random directions recorded of each draw.
        chains: Where the state of its chains is; None before they start.
        num_splits: How often the runs beside it were halved because memory was too small.
        pack_size: Most runs that were advanced with it by one call, itself included.
        keeper: Where it is kept while unfinished; None where it is not.
        journal: What was asked so far, in short, and answered; empty without a keeper.
        asked: What is asked now, in short.
    """

    posterior: Posterior
    seed: int
    make_schedule: Callable[[], Schedule]
    kernel: Kernel
    num_chains: int
    projection_dimension: int = 0
    chains: Row | None = None
    start_hyper: Any = None
    hyper: Any = None
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
    asked: str = ""
    schedule: Schedule = field(init=False)

    def begin(self) -> Request:
        """Begins, or begins again, and returns what the schedule asks first."""
        self.chains = None
        self.journal = []
        self.next_draw = self.num_adaptations = 0
        self.schedule = self.make_schedule()
        return self._asked(next(self.schedule))

    def answer(self, answer: Any) -> Request:
        """Answers the schedule and returns what it asks next. Raises StopIteration at its end."""
        if self.keeper is not None:
            self.journal.append((self.asked, answer))
        return self._asked(self.schedule.send(answer))

    def lanes(self, width: int) -> Lanes:
        """How `width` runs like this one are laid out."""
        return Lanes(width, self.num_chains, not self.posterior.chains_together)

    def _asked(self, request: Request) -> Request:
        if isinstance(request, Start) and request.kernel is not None:
            self.kernel = request.kernel
        if self.keeper is not None:
            self.asked = fingerprint(request)
        return request


@dataclass(frozen=True)
class Finished:
    """A run that ended: what its schedule returned and what it cost."""

    index: int
    sampled: Sampled
    work: Work


def build_kernel(sampler: SamplerVariant) -> Kernel:
    """The kernel of a sampler; samplers that differ in traced numbers only share one."""
    return _build(sampler.static_key(), _Unhashed(sampler))


class _Unhashed:
    """Carries a sampler past a cache whose key is its static part alone."""

    def __init__(self, sampler: SamplerVariant) -> None:
        self.sampler = sampler

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)

    def __hash__(self) -> int:
        return 0


@cache
def _build(static_key: tuple[Any, ...], sampler: _Unhashed) -> Kernel:
    del static_key
    return sampler.sampler.build()


def execute(jobs: Sequence[Job], widths: Widths, on_progress: ProgressFn | None = None) -> Iterator[Finished]:
    """Runs all jobs to their end, yielding each as it finishes. Call it with 64-bit types enabled.

    Where the device has too little memory, calls become half as wide, and the runs of the call that failed begin again.

    Args:
        jobs: Runs of one compile signature.
        widths: Runs in a call.
        on_progress: Called with a job's index and phase: before each request (None), and with each block of draws.
    """
    calls = _Calls(jobs)
    pending = {index: take_up(job) for index, job in enumerate(jobs)}
    while pending:
        group = _next_group(jobs, pending)
        for width, members in widths.cut(group):
            if on_progress:
                for index in members:
                    on_progress(index, phase_of(pending[index]), None)
            try:
                answers = calls.answer(members, [pending[index] for index in members], width)
            except jax.errors.JaxRuntimeError as error:
                if width == 1 or not is_out_of_memory(error):
                    raise
                widths = widths.halved()
                pending |= calls.begin_again(members)
                break
            for index, answer in zip(members, answers, strict=True):
                if on_progress and isinstance(answer, Draws):
                    on_progress(index, phase_of(pending[index]), answer)
                try:
                    pending[index] = jobs[index].answer(answer)
                    keep(jobs[index])
                except StopIteration as stop:
                    del pending[index]
                    calls.forget(index)
                    yield Finished(index, stop.value, _work(jobs[index], stop.value))


def _work(job: Job, sampled: Sampled) -> Work:
    return Work(
        num_gradients=sampled.num_gradients,
        warmup_gradients=sampled.warmup_gradients,
        sampling_seconds=job.seconds,
        sampling_cpu_seconds=job.cpu_seconds,
        compile_seconds=job.compile_seconds,
        num_compilations=job.num_compilations,
    )


def _next_group(jobs: Sequence[Job], pending: dict[int, Request]) -> list[int]:
    """Indices of requests that one program can answer. Advancing waits for all else, so that it is done together."""
    groups: dict[Any, list[int]] = {}
    for index, request in pending.items():
        match request:
            case Adapt(num_steps=num_steps):
                key: Any = (0, "adapt", num_steps)
            case Advance(num_draws=num_draws, steps_per_draw=steps_per_draw):
                key = (1, "advance", num_draws, steps_per_draw)
            case _:
                key = (0, type(request).__name__)
        groups.setdefault((*key, id(jobs[index].kernel)), []).append(index)
    return groups[min(groups, key=lambda key: (key[0], -len(groups[key])))]


class _Calls:
    """Calls of compiled programs for some of the jobs."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._constants = Kept(self._stack_constants)

    def forget(self, index: int) -> None:
        """Frees what a finished run has on the device."""
        self._constants.forget(index)
        self._jobs[index].chains = None

    def begin_again(self, members: Sequence[int]) -> dict[int, Request]:
        """First requests of runs whose states were lost."""
        for index in members:
            self._constants.forget(index)
            self._jobs[index].num_splits += 1
            self._jobs[index].pack_size = 1
        return {index: self._jobs[index].begin() for index in members}

    def answer(self, members: Sequence[int], requests: Sequence[Any], width: int) -> list[Any]:
        """Answers to like requests; seconds and compilations are shared out among the runs."""
        before, started, cpu_started = replace(compilations), time.perf_counter(), time.process_time()
        answers = self._answer(tuple(members), requests, width)
        compile_seconds = compilations.seconds - before.seconds
        seconds = time.perf_counter() - started - compile_seconds
        cpu_seconds = time.process_time() - cpu_started - (compilations.cpu_seconds - before.cpu_seconds)
        for index in members:
            job = self._jobs[index]
            job.seconds += seconds / len(members)
            job.cpu_seconds += cpu_seconds / len(members)
            job.compile_seconds += compile_seconds / len(members)
            job.pack_size = max(job.pack_size, len(members))
        # Once each, so that they add up over the rows of a sweep.
        self._jobs[members[0]].num_compilations += compilations.count - before.count
        return answers

    def _answer(self, members: tuple[int, ...], requests: Sequence[Any], width: int) -> list[Any]:
        match requests[0]:
            case Start():
                return self._start(members, requests, width)
            case Adapt(num_steps=num_steps):
                return self._adapt(members, num_steps, width)
            case Advance():
                return self._advance(members, requests, width)
            case MeasureNoise(batch_size=batch_size):
                return self._measure(members, width, block.measure_noise, batch_size)
            case _:
                return self._measure(members, width, block.measure)

    def _start(self, members: tuple[int, ...], requests: Sequence[Start], width: int) -> list[None]:
        for index, request in zip(members, requests, strict=True):
            job = self._jobs[index]
            dtype = job.posterior.center.dtype
            localization = np.asarray(request.localization, dtype)
            if localization != job.posterior.localization:
                job.posterior = replace(job.posterior, localization=localization)
                self._constants.forget(index)
            job.hyper = job.start_hyper = _as_hyper(request.hyper, dtype)
            job.next_draw = 0
        job = self._jobs[members[0]]
        seeds, posteriors = self._constants.get(members, width)
        self._place(members, block.start((job.kernel, job.num_chains), seeds, posteriors, self._hypers(members, width)))
        return [None] * len(members)

    def _adapt(self, members: tuple[int, ...], num_steps: int, width: int) -> list[Adapted]:
        jobs, job = [self._jobs[index] for index in members], self._jobs[members[0]]
        seeds, posteriors = self._constants.get(members, width)
        # Always from the numbers of the start: tuned ones have more names, and would compile a second program.
        hypers = stack([job.start_hyper for job in jobs], job.lanes(width))
        times = stack([np.int32(job.num_adaptations) for job in jobs], job.lanes(width))
        static = (job.kernel, job.num_chains, num_steps)
        states = self._states(members, width)
        states, *rest = block.adapt(static, seeds, states, posteriors, hypers, times)
        self._place(members, states)
        hyper, num_gradients = jax.device_get(rest)
        for lane, job in enumerate(jobs):
            job.hyper = jax.tree.map(lambda leaf, lane=lane: leaf[lane], hyper)
            job.num_adaptations += 1
        return [Adapted(job.hyper, float(num_gradients[lane].sum())) for lane, job in enumerate(jobs)]

    def _advance(self, members: tuple[int, ...], requests: Sequence[Advance], width: int) -> list[Draws]:
        jobs, job = [self._jobs[index] for index in members], self._jobs[members[0]]
        for own, request in zip(jobs, requests, strict=True):
            if request.hyper is not None:
                own.hyper = _as_hyper(request.hyper, own.posterior.center.dtype)
        request = requests[0]
        seeds, posteriors = self._constants.get(members, width)
        first_draws = stack([np.int32(job.next_draw) for job in jobs], job.lanes(width))
        static = (job.kernel, job.num_chains, request.num_draws, job.projection_dimension)
        args = (seeds, self._states(members, width), posteriors, self._hypers(members, width), first_draws)
        states, draws = block.advance(static, *args, np.int32(request.steps_per_draw))
        self._place(members, states)
        for own in jobs:
            own.next_draw += request.num_draws
        fields = jax.device_get(draws)
        return [Draws(*(values[lane] for values in fields)) for lane in range(len(members))]

    def _measure(self, members: tuple[int, ...], width: int, program: Program, *static: int) -> list[np.ndarray]:
        job = self._jobs[members[0]]
        seeds, posteriors = self._constants.get(members, width)
        args = (seeds, self._states(members, width), posteriors, self._hypers(members, width))
        return list(jax.device_get(program((job.kernel, job.num_chains, *static), *args)))[: len(members)]

    def _place(self, members: Sequence[int], states: Any) -> None:
        job = self._jobs[members[0]]
        width = jax.tree.leaves(states)[0].shape[0]
        stacked = Stacked(place(states, job.lanes(width)), len(members))
        for lane, index in enumerate(members):
            self._jobs[index].chains = Row(stacked, lane)

    def _states(self, members: Sequence[int], width: int) -> Any:
        rows = [self._jobs[index].chains for index in members]
        return restack([row for row in rows if row is not None], self._jobs[members[0]].lanes(width))

    def _hypers(self, members: Sequence[int], width: int) -> Any:
        return stack([self._jobs[index].hyper for index in members], self._jobs[members[0]].lanes(width))

    def _stack_constants(self, members: tuple[int, ...], width: int) -> Any:
        """Seeds, as two numbers each, and posteriors."""
        jobs = [self._jobs[index] for index in members]
        seeds = [np.array([job.seed & 0xFFFFFFFF, job.seed >> 32 & 0xFFFFFFFF], np.uint32) for job in jobs]
        constants = list(zip(seeds, (job.posterior for job in jobs), strict=True))
        return stack(constants, jobs[0].lanes(width))


def _as_hyper(hyper: dict[str, np.ndarray], dtype: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value, dtype) for name, value in hyper.items()}
