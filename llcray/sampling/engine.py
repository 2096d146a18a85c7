"""Runs schedules on the device: like requests of several runs become calls of one vmapped program.

All runs given together must share a compile signature: loss, layout, shapes, static sampler fields, number of chains.
They may be of different targets. Every run decides for itself. A run that has finished is left out of later calls;
`llcray.sampling.device` cuts those from the remaining runs so that nothing is compiled for the new number.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from llcray.array_types import PyTree
from llcray.llc.draws import Draws
from llcray.llc.estimate import Work
from llcray.samplers.kernel import Hyper
from llcray.sampling import block
from llcray.sampling.device import Widths
from llcray.sampling.job import Job
from llcray.sampling.program import Program, compilations, is_out_of_memory
from llcray.sampling.resume import begin_or_resume, keep_if_due
from llcray.sampling.schedules.requests import (
    Adapt,
    Adapted,
    Advance,
    MeasureDisplacement,
    MeasureGradients,
    MeasureNoise,
    MeasureSeenNoise,
    Phase,
    Request,
    Sampled,
    Start,
    phase_of,
)
from llcray.sampling.stacked import Row, StackCache, Stacked, place, restack, stack

ProgressFn = Callable[[int, Phase, Draws | None], None]


@dataclass(frozen=True)
class Finished:
    """A run that ended: its place among the jobs, the result of its schedule, and its work."""

    index: int
    sampled: Sampled
    work: Work


def execute(jobs: Sequence[Job], widths: Widths, on_progress: ProgressFn | None = None) -> Iterator[Finished]:
    """Runs all jobs to their end, yielding each as it finishes. Call this function with 64-bit types enabled.

    Where the device has too little memory, calls become half as wide, and the runs of the call that failed begin again.

    Args:
        jobs: Runs of one compile signature.
        widths: Numbers of runs that one call may advance.
        on_progress: Called with a job's index, its phase, and each new block of draws; before each request with None
            in place of draws.
    """
    calls = _Calls(jobs)
    pending = {index: begin_or_resume(job) for index, job in enumerate(jobs)}
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
                    keep_if_due(jobs[index])
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
    """Returns the indices of requests that one program can answer: the largest such group.

    Requests for draws come last, so that as many runs as possible are advanced together.
    """
    groups: dict[Any, list[int]] = {}
    for index, request in pending.items():
        match request:
            case Adapt(num_steps=num_steps):
                key: Any = (0, "adapt", num_steps)
            case Advance(num_draws=num_draws, steps_per_draw=steps_per_draw):
                key = (1, "advance", num_draws, steps_per_draw)
            case Start(displacement=displacement, coordinates=coordinates):
                key = (0, "start", displacement is None, jax.tree.structure(coordinates))
            case MeasureGradients() as gradients:
                key = (0, gradients)
            case _:
                key = (0, type(request).__name__)
        coordinates = jax.tree.structure(jobs[index].posterior.coordinates)
        groups.setdefault((*key, coordinates, id(jobs[index].kernel)), []).append(index)
    return groups[min(groups, key=lambda key: (key[0], -len(groups[key])))]


class _Calls:
    """The calls of compiled programs that answer the jobs' requests."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._constants = StackCache(self._stack_constants)

    def forget(self, index: int) -> None:
        """Frees the arrays that a finished run has on the device."""
        self._constants.forget(index)
        self._jobs[index].chains = None

    def begin_again(self, members: Sequence[int]) -> dict[int, Request]:
        """Begins runs whose states were lost again, and returns their first requests by index."""
        for index in members:
            self._constants.forget(index)
            self._jobs[index].num_splits += 1
            self._jobs[index].pack_size = 1
        return {index: self._jobs[index].begin() for index in members}

    def answer(self, members: Sequence[int], requests: Sequence[Any], width: int) -> list[Any]:
        """Answers like requests of some runs, and shares out the seconds among these runs."""
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
        # Each compilation is counted for one run, so that the counts of a sweep's rows add up.
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
            case MeasureSeenNoise(batch_size=batch_size, uses_control_variates=controlled):
                return self._measure(members, width, block.measure_seen_noise, batch_size, controlled)
            case MeasureNoise(batch_size=batch_size):
                return self._measure(members, width, block.measure_noise, batch_size)
            case MeasureGradients() as gradients:
                return self._measure_gradients(members, gradients, width)
            case MeasureDisplacement():
                return self._measure(members, width, block.displacement)
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
            if job.enter(request.coordinates):
                self._constants.forget(index)
            job.hyper = job.start_hyper = _as_hyper(request.hyper, dtype)
            job.next_draw = 0
        job = self._jobs[members[0]]
        static, args = (job.kernel,), (*self._constants.get(members, width), self._hypers(members, width))
        if requests[0].displacement is None:
            states = block.start(static, *args)
        else:
            displacements = stack([request.displacement for request in requests], job.lanes(width))
            states = block.start_displaced(static, *args, displacements)
        self._place(members, states)
        return [None] * len(members)

    def _adapt(self, members: tuple[int, ...], num_steps: int, width: int) -> list[Adapted]:
        jobs, job = [self._jobs[index] for index in members], self._jobs[members[0]]
        keys, posteriors = self._constants.get(members, width)
        # Adaptation always starts from the numbers of the start: tuned numbers have more names, and would compile a
        # second program.
        hypers = stack([job.start_hyper for job in jobs], job.lanes(width))
        num_adaptations = stack([np.int32(job.num_adaptations) for job in jobs], job.lanes(width))
        static = (job.kernel, num_steps)
        states = self._states(members, width)
        states, *rest = block.adapt(static, keys, states, posteriors, hypers, num_adaptations)
        self._place(members, states)
        hyper, num_gradients = jax.device_get(rest)
        for lane, job in enumerate(jobs):
            job.hyper = jax.tree.map(lambda leaf, lane=lane: leaf[lane], hyper)
            job.num_adaptations += 1
        return [Adapted(job.hyper, float(num_gradients[lane].sum())) for lane, job in enumerate(jobs)]

    def _advance(self, members: tuple[int, ...], requests: Sequence[Advance], width: int) -> list[Draws]:
        jobs, job = [self._jobs[index] for index in members], self._jobs[members[0]]
        for member, request in zip(jobs, requests, strict=True):
            if request.hyper is not None:
                member.hyper = _as_hyper(request.hyper, member.posterior.center.dtype)
        request = requests[0]
        keys, posteriors = self._constants.get(members, width)
        first_draws = stack([np.int32(job.next_draw) for job in jobs], job.lanes(width))
        static = (job.kernel, request.num_draws, job.projection_dimension)
        args = (keys, self._states(members, width), posteriors, self._hypers(members, width), first_draws)
        states, draws = block.advance(static, *args, np.int32(request.steps_per_draw))
        self._place(members, states)
        for member in jobs:
            member.next_draw += request.num_draws
        fields = jax.device_get(draws)
        return [Draws(*(values[lane] for values in fields)) for lane in range(len(members))]

    def _measure(self, members: tuple[int, ...], width: int, program: Program, *static: int) -> list[np.ndarray]:
        job = self._jobs[members[0]]
        keys, posteriors = self._constants.get(members, width)
        hypers = self._hypers(members, width)
        positions = block.positions_of(job.kernel, self._states(members, width), posteriors, hypers)
        return list(jax.device_get(program(static, keys, positions, posteriors)))[: len(members)]

    def _measure_gradients(self, members: tuple[int, ...], request: MeasureGradients, width: int) -> list[np.ndarray]:
        job = self._jobs[members[0]]
        keys, posteriors = self._constants.get(members, width)
        numbers = (request.num_samples, request.steps_between, request.num_before, request.batch_size, request.blocks)
        static = (job.kernel, *numbers)
        args = (keys, self._states(members, width), posteriors, self._hypers(members, width))
        states, moments = block.measure_gradients(static, *args)
        self._place(members, states)
        return list(jax.device_get(moments))[: len(members)]

    def _place(self, members: Sequence[int], states: PyTree) -> None:
        job = self._jobs[members[0]]
        width = jax.tree.leaves(states)[0].shape[0]
        stacked = Stacked(place(states, job.lanes(width)), len(members))
        for lane, index in enumerate(members):
            self._jobs[index].chains = Row(stacked, lane)

    def _states(self, members: Sequence[int], width: int) -> PyTree:
        rows = [self._jobs[index].chains for index in members]
        return restack([row for row in rows if row is not None], self._jobs[members[0]].lanes(width))

    def _hypers(self, members: Sequence[int], width: int) -> Hyper:
        return stack([self._jobs[index].hyper for index in members], self._jobs[members[0]].lanes(width))

    def _stack_constants(self, members: tuple[int, ...], width: int) -> PyTree:
        """Stacks the keys of all chains, made of seeds as two 32-bit numbers each, and the posteriors of some runs."""
        jobs = [self._jobs[index] for index in members]
        lanes = jobs[0].lanes(width)
        seeds = [np.array([job.seed & 0xFFFFFFFF, job.seed >> 32 & 0xFFFFFFFF], np.uint32) for job in jobs]
        keys = block.chain_keys((jobs[0].num_chains,), stack(seeds, lanes))
        return place(keys, lanes), stack([job.posterior for job in jobs], lanes)


def _as_hyper(hyper: Hyper, dtype: Any) -> Hyper:
    return {name: np.asarray(value, dtype) for name, value in hyper.items()}
