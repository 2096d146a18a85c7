"""Keeping a run in flight, and taking it up where an earlier worker left it. The bytes: `llcray.sampling.progress`."""

import platform
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from llcray.sampling import block
from llcray.sampling.progress import Progress, decode, encode
from llcray.sampling.schedules.requests import Request, Start
from llcray.sampling.stacked import Row, Stacked

if TYPE_CHECKING:
    from llcray.sampling.engine import Job

COUNTERS = (
    "next_draw",
    "num_adaptations",
    "seconds",
    "cpu_seconds",
    "compile_seconds",
    "num_compilations",
    "pack_size",
)


def take_up(job: "Job") -> Request:
    """Begins a run, or goes on where an earlier worker kept it; returns what its schedule asks now."""
    data = job.keeper.load() if job.keeper else None
    progress = decode(data, stamp()) if data else None
    request = job.begin()
    if progress is None:
        return request
    started = None
    for asked, answer in zip(progress.asked, progress.answers, strict=True):
        if job.asked != asked:
            return job.begin()  # another version's schedule: what was kept is of no use
        started = request if isinstance(request, Start) else started
        request = job.answer(answer)
    assert started is not None
    _restore(job, started, progress)
    return request


def keep(job: "Job") -> None:
    """Keeps a run between two requests, where that is due."""
    if job.keeper is None or job.chains is None or not job.keeper.is_due():
        return
    leaves = jax.tree.leaves(job.chains.fetch())
    progress = Progress(
        asked=tuple(asked for asked, _ in job.journal),
        answers=tuple(answer for _, answer in job.journal),
        state=tuple(np.asarray(leaf) for leaf in leaves),
        hyper=_arrays(job.hyper),
        start_hyper=_arrays(job.start_hyper),
        numbers={name: float(getattr(job, name)) for name in COUNTERS},
    )
    job.keeper.save(encode(progress, stamp()))


@cache
def stamp() -> str:
    """What a run has to find again to go on to the same draws: versions, and the kind of device."""
    device = jax.devices()[0]
    parts = [version("llcray"), jax.__version__, version("blackjax"), device.device_kind, platform.machine()]
    return " ".join(parts)


def _restore(job: "Job", started: Start, progress: Progress) -> None:
    dtype = job.posterior.center.dtype
    job.posterior = replace(job.posterior, localization=np.asarray(started.localization, dtype))
    job.hyper, job.start_hyper = dict(progress.hyper), dict(progress.start_hyper)
    for name in COUNTERS:
        value = progress.numbers[name]
        setattr(job, name, value if name.endswith("seconds") else int(value))
    one_chain = {name: value[0] for name, value in progress.start_hyper.items()}
    begin = partial(block._start, job.kernel)
    structure = jax.tree.structure(jax.eval_shape(begin, jax.random.key(0), job.posterior, one_chain))
    state = jax.tree.unflatten(structure, [leaf[None] for leaf in progress.state])
    job.chains = Row(Stacked(state, 1), 0)


def _arrays(hyper: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in hyper.items()}
