"""Runs schedules on the device: like requests of several runs become one vmapped program call.

All runs given together must share a compile signature: loss, layout, shapes, static sampler fields, number of chains.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from llcray.llc.draws import Draws
from llcray.llc.estimate import Work
from llcray.posterior import Posterior
from llcray.samplers.kernel import Kernel, SamplerVariant
from llcray.sampling import block, curvature
from llcray.sampling.program import compilations
from llcray.sampling.requests import Adapt, Adapted, Advance, Phase, Request, Sampled, Schedule, Start, phase_of

ProgressFn = Callable[[int, Phase, Draws | None], None]


@dataclass
class Job:
    """A run in flight.

    Attributes:
        posterior: Its posterior.
        seed: 64-bit integer all its randomness derives from.
        schedule: The coroutine that decides.
        kernel: The sampler, built.
        num_chains: Number of chains.
        projection_dimension: Random directions recorded of each draw.
    """

    posterior: Posterior
    seed: int
    schedule: Schedule
    kernel: Kernel
    num_chains: int
    projection_dimension: int = 0
    state: Any = None
    start_hyper: Any = None
    hyper: Any = None
    next_draw: int = 0
    num_adaptations: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    compile_seconds: float = 0.0
    num_compilations: int = 0

    @property
    def chain_keys(self) -> Any:
        """One key per chain, shape (chain,)."""
        key = jax.random.fold_in(jax.random.key(self.seed & 0xFFFFFFFF), self.seed >> 32 & 0xFFFFFFFF)
        return jax.vmap(lambda chain: jax.random.fold_in(key, chain))(jnp.arange(self.num_chains))


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


def execute(jobs: Sequence[Job], on_progress: ProgressFn | None = None) -> Iterator[Finished]:
    """Runs all jobs to their end, yielding each as it finishes. Call it with 64-bit types enabled.

    Args:
        jobs: Runs of one compile signature.
        on_progress: Called with a job's index and phase: before each request (None), and with each block of draws.
    """
    pending = {index: next(job.schedule) for index, job in enumerate(jobs)}
    while pending:
        for group in _alike(pending):
            if on_progress:
                for index in group:
                    on_progress(index, phase_of(pending[index]), None)
            answers = _timed([jobs[index] for index in group], [pending[index] for index in group])
            for index, answer in zip(group, answers, strict=True):
                if on_progress and isinstance(answer, Draws):
                    on_progress(index, phase_of(pending[index]), answer)
                try:
                    pending[index] = jobs[index].schedule.send(answer)
                except StopIteration as stop:
                    del pending[index]
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


def _alike(pending: dict[int, Request]) -> list[list[int]]:
    """Indices of the pending requests, grouped by what one program can answer."""
    groups: dict[Any, list[int]] = {}
    for index, request in pending.items():
        match request:
            case Adapt(num_steps=num_steps):
                key: Any = (Adapt, num_steps)
            case Advance(num_draws=num_draws, steps_per_draw=steps_per_draw):
                key = (Advance, num_draws, steps_per_draw)
            case _:
                key = type(request)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def _timed(jobs: list[Job], requests: list[Any]) -> list[Any]:
    before, started, cpu_started = replace(compilations), time.perf_counter(), time.process_time()
    answers = _answer(jobs, requests)
    compile_seconds = compilations.seconds - before.seconds
    seconds = time.perf_counter() - started - compile_seconds
    cpu_seconds = time.process_time() - cpu_started - (compilations.cpu_seconds - before.cpu_seconds)
    for job in jobs:
        job.seconds += seconds / len(jobs)
        job.cpu_seconds += cpu_seconds / len(jobs)
        job.compile_seconds += compile_seconds / len(jobs)
        job.num_compilations += compilations.count - before.count
    return answers


def _answer(jobs: list[Job], requests: list[Any]) -> list[Any]:
    match requests[0]:
        case Start():
            return _start(jobs, requests)
        case Adapt(num_steps=num_steps):
            return _adapt(jobs, num_steps)
        case Advance():
            return _advance(jobs, requests)
        case _:
            return _measure(jobs)


def _start(jobs: list[Job], requests: list[Start]) -> list[None]:
    for job, request in zip(jobs, requests, strict=True):
        dtype = job.posterior.center.dtype
        job.posterior = replace(job.posterior, localization=jnp.asarray(request.localization, dtype))
        job.hyper = job.start_hyper = _as_hyper(request.hyper, dtype)
        job.next_draw = 0
    job = jobs[0]
    state = block.start((job.kernel,), _stack([j.chain_keys for j in jobs]), _posteriors(jobs), _hypers(jobs))
    _scatter(jobs, state)
    return [None] * len(jobs)


def _adapt(jobs: list[Job], num_steps: int) -> list[Adapted]:
    keys = _stack([_fold(job.chain_keys, job.num_adaptations) for job in jobs])
    # Always from the numbers of the start: tuned ones have more names, and would compile a second program.
    args = (keys, _states(jobs), _posteriors(jobs), _stack([job.start_hyper for job in jobs]))
    state, hyper, num_gradients = block.adapt((jobs[0].kernel, num_steps), *args)
    _scatter(jobs, state)
    work = np.asarray(num_gradients)
    for job, own in zip(jobs, _unstack(hyper, len(jobs)), strict=True):
        job.hyper, job.num_adaptations = own, job.num_adaptations + 1
    return [
        Adapted({name: np.asarray(value) for name, value in job.hyper.items()}, float(own.sum()))
        for job, own in zip(jobs, work, strict=True)
    ]


def _advance(jobs: list[Job], requests: list[Advance]) -> list[Draws]:
    for job, request in zip(jobs, requests, strict=True):
        if request.hyper is not None:
            job.hyper = _as_hyper(request.hyper, job.posterior.center.dtype)
    request, keys = requests[0], _stack([job.chain_keys for job in jobs])
    first_draws = jnp.asarray([job.next_draw for job in jobs], jnp.int32)
    args = (keys, _states(jobs), _posteriors(jobs), _hypers(jobs), first_draws)
    steps_per_draw = jnp.asarray(request.steps_per_draw, jnp.int32)
    static = (jobs[0].kernel, request.num_draws, jobs[0].projection_dimension)
    state, draws = block.advance(static, *args, steps_per_draw)
    _scatter(jobs, state)
    for job in jobs:
        job.next_draw += request.num_draws
    fields = [np.asarray(field) for field in draws]
    return [Draws(*(field[i] for field in fields)) for i in range(len(jobs))]


def _measure(jobs: list[Job]) -> list[np.ndarray]:
    def positions(job: Job) -> Any:
        return jax.vmap(job.kernel.position, in_axes=(0, None, 0))(job.state, job.posterior, job.hyper)

    keys = _stack([job.chain_keys for job in jobs])
    values = curvature.at_positions((), keys, _posteriors(jobs), _stack([positions(job) for job in jobs]))
    return list(np.asarray(values))


def _fold(keys: Any, number: int) -> Any:
    return jax.vmap(lambda key: jax.random.fold_in(key, number))(keys)


def _as_hyper(hyper: dict[str, np.ndarray], dtype: Any) -> Any:
    return {name: jnp.asarray(value, dtype) for name, value in hyper.items()}


def _stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _unstack(tree: Any, count: int) -> list[Any]:
    return [jax.tree.map(lambda leaf, i=i: leaf[i], tree) for i in range(count)]


def _scatter(jobs: list[Job], states: Any) -> None:
    for job, state in zip(jobs, _unstack(states, len(jobs)), strict=True):
        job.state = state


def _states(jobs: list[Job]) -> Any:
    return _stack([job.state for job in jobs])


def _posteriors(jobs: list[Job]) -> Any:
    return _stack([job.posterior for job in jobs])


def _hypers(jobs: list[Job]) -> Any:
    return _stack([job.hyper for job in jobs])
