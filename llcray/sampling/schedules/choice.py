"""The choice of a schedule: `calibrated` or `warm` for `kind: auto`, `weighted` for proposals, else `hand_set`."""

from llcray.samplers.auto import Auto
from llcray.samplers.weighted import WeightedSampler
from llcray.sampling.schedules.calibrated import calibrated
from llcray.sampling.schedules.hand_set import hand_set
from llcray.sampling.schedules.requests import RunFacts, Schedule
from llcray.sampling.schedules.warm import warm
from llcray.sampling.schedules.weighted import weighted


def schedule_of(facts: RunFacts) -> Schedule:
    """Returns the coroutine that samples one run (see `llcray.sampling.schedules.requests`)."""
    match facts.sampler:
        case Auto() as auto if facts.handover is not None:
            return warm(facts, auto, facts.handover)
        case Auto() as auto:
            return calibrated(facts, auto)
        case WeightedSampler() as sampler:
            return weighted(facts, sampler)
        case _:
            return hand_set(facts)
