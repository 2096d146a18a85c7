"""Keeps a run in flight, and resumes a run where an earlier worker left it, from the bytes of `progress`."""

import platform
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version

import jax
import numpy as np

from llcray.samplers.kernel import Hyper
from llcray.sampling import block
from llcray.sampling.job import Job
from llcray.sampling.progress import Progress, decode, encode
from llcray.sampling.schedules.requests import Request, Start
from llcray.sampling.stacked import Row, Stacked

COUNTERS = (
    "next_draw",
    "num_adaptations",
    "seconds",
    "cpu_seconds",
    "compile_seconds",
    "num_compilations",
    "pack_size",
)


def begin_or_resume(job: Job) -> Request:
    """Resumes a run where an earlier worker kept it, or else begins it; returns the request that its schedule makes."""
    data = job.keeper.load() if job.keeper else None
    progress = decode(data, version_stamp()) if data else None
    request = job.begin()
    if progress is None:
        return request
    last_start = None
    for fingerprint, answer in zip(progress.fingerprints, progress.answers, strict=True):
        if job.fingerprint != fingerprint:
            return job.begin()  # the schedule is another version's: its answers are of no use to this one
        if isinstance(request, Start):
            last_start = request
            job.enter(request.coordinates)
        request = job.answer(answer)
    assert last_start is not None
    _restore(job, last_start, progress)
    return request


def keep_if_due(job: Job) -> None:
    """Hands the run's progress to its keeper, if it has one and that is due."""
    if job.keeper is None or job.chains is None or not job.keeper.is_due():
        return
    leaves = jax.tree.leaves(job.chains.fetch())
    progress = Progress(
        fingerprints=tuple(fingerprint for fingerprint, _ in job.journal),
        answers=tuple(answer for _, answer in job.journal),
        state=tuple(np.asarray(leaf) for leaf in leaves),
        hyper=_host_arrays(job.hyper),
        start_hyper=_host_arrays(job.start_hyper),
        numbers={name: float(getattr(job, name)) for name in COUNTERS},
    )
    job.keeper.save(encode(progress, version_stamp()))


@cache
def version_stamp() -> str:
    """Returns the versions and the kind of device that a resumed run must share with its start to draw the same."""
    device = jax.devices()[0]
    parts = [version("llcray"), jax.__version__, version("blackjax"), device.device_kind, platform.machine()]
    return " ".join(parts)


def _restore(job: Job, last_start: Start, progress: Progress) -> None:
    dtype = job.posterior.center.dtype
    job.posterior = replace(job.posterior, localization=np.asarray(last_start.localization, dtype))
    job.hyper, job.start_hyper = dict(progress.hyper), dict(progress.start_hyper)
    for name in COUNTERS:
        value = progress.numbers[name]
        setattr(job, name, value if name.endswith("seconds") else int(value))
    hyper_of_one_chain = {name: value[0] for name, value in progress.start_hyper.items()}
    start_chain = partial(block.start_chain, job.kernel)
    structure = jax.tree.structure(jax.eval_shape(start_chain, jax.random.key(0), job.posterior, hyper_of_one_chain))
    state = jax.tree.unflatten(structure, [leaf[None] for leaf in progress.state])
    job.chains = Row(Stacked(state, 1), 0)


def _host_arrays(hyper: Hyper) -> Hyper:
    return {name: np.asarray(value) for name, value in hyper.items()}
