"""The top level of a sweep file, and the validated sweep made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from llcray.components import ALL, Choice
from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Sampler
from llcray.sampling.spec import SamplingSpec
from llcray.spec.axes import Design
from llcray.spec.conduct import Conduct
from llcray.spec.findings import Finding
from llcray.spec.observables import Observable
from llcray.spec.run import RunSpec
from llcray.targets import TargetSpec
from llcray.targets.loss_on import LossOn
from llcray.targets.policy_loss import PolicyLoss
from llcray.variant import Count, NonNegativeFloat, NonNegativeInt, PositiveFloat, Record

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
LONGEST_NAME = 128
"""Characters that the dataset allows the name of a sweep, which becomes a folder's."""


VARIANTS: Mapping[str, Any] = {
    "targets": TargetSpec,
    "samplers": Sampler,
    "posterior": PosteriorSpec,
    "sampling": SamplingSpec,
}
"""Keys of a sweep file that hold variants with axes, which are validated when the axes have become values."""


class Resources(Record):
    """Share of the machine that one trial takes; never part of an identity.

    Attributes:
        cpus: CPU cores.
        gpus: GPUs; a fraction shares one.
        memory: Bytes; null sets no limit.
    """

    cpus: PositiveFloat = 1
    gpus: NonNegativeFloat = 0
    memory: PositiveFloat | None = None


class SweepFile(Record):
    """The top level of a sweep file.

    Attributes:
        name: Name of the sweep, which the dataset keeps its runs under; null takes the file's name without its ending.
        question: The question that the sweep is to answer, on top of its report.
        targets: A list of what LLCs are taken of; all are crossed with all samplers, components and seeds.
        samplers: A list of samplers, each with its settings.
        posterior: Inverse temperature and localization of the density that is sampled.
        sampling: Number of chains, criteria to stop by, and budget of a run.
        design: `product` combines the values of all axes; `one_at_a_time` moves each axis alone, while the others keep
            their first value.
        replicates: Number of target seeds, which are 0 .. replicates - 1.
        seeds: Target seeds, one by one, in place of `replicates`.
        components: Subsets of parameters to sample (refined LLC): texts such as `l0h1` and `*/mlp/*`, or mappings.
        loss_on: Examples to take the loss on: `own` for those that w* was trained on, or others (data-refined LLC).
        losses: Losses of fine-tuned policies: `own`, which means kl_to_center, or others.
        observables: Probe sets: their losses at every draw, susceptibilities and influences become table `observables`.
        resources: Resources of one trial.
        conduct: Which runs go first, and which are given up early.
        sizes: Overrides (`path=value`) that make other sizes of an experiment; as written it is of size `laptop`.
        stages: Metrics whose stages `llcray experiment --check` looks for first.
        checks: Findings that `llcray experiment --check` compares with the dataset.
    """

    name: Annotated[str, Field(pattern=NAME, max_length=LONGEST_NAME)] | None = None
    question: Annotated[str, Field(min_length=1)]
    targets: Annotated[tuple[Any, ...], Field(min_length=1)]
    samplers: Annotated[tuple[Any, ...], Field(min_length=1)]
    posterior: Any = None
    sampling: Any = None
    design: Design = "product"
    replicates: Count | None = None
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] | None = None
    components: Annotated[tuple[str | Choice, ...], Field(min_length=1)] = (ALL,)
    loss_on: Annotated[tuple[Literal["own"] | LossOn, ...], Field(min_length=1)] = ("own",)
    losses: Annotated[tuple[Literal["own"] | PolicyLoss, ...], Field(min_length=1)] = ("own",)
    observables: tuple[Observable, ...] = ()
    resources: Resources = Resources()
    conduct: Conduct = Conduct()
    sizes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    stages: tuple[str, ...] = ()
    checks: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _check_one_way_to_say_the_seeds(self) -> Self:
        if self.replicates is not None and self.seeds is not None:
            raise ValueError("'replicates' and 'seeds' both set the seeds of the targets; leave one out")
        return self

    def num_target_seeds(self) -> int:
        """Number of seeds that every target gets in turn."""
        return self.replicates or len(self.seeds or (0,))

    def target_seeds(self) -> tuple[int, ...] | None:
        """Seeds that every target gets in turn; None leaves each target its own seed."""
        return tuple(range(self.replicates)) if self.replicates is not None else self.seeds


@dataclass(frozen=True)
class Sweep:
    """A validated sweep, ready to be run.

    Attributes:
        name: Name of the sweep in the dataset.
        question: The question that the sweep is to answer.
        runs: Each run once, those of one target together, in the order of the file.
        resources: Resources of one trial.
        source: The text of the file.
        overrides: Overrides as given on the command line.
        conduct: Which runs go first, and which are given up early.
        sizes: Overrides that make other sizes, by the name of the size.
        stages: Metrics whose stages the checks need.
        checks: Findings to compare with the dataset.
    """

    name: str
    question: str
    runs: tuple[RunSpec, ...]
    resources: Resources
    source: str
    overrides: tuple[str, ...] = ()
    conduct: Conduct = field(default_factory=Conduct)
    sizes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    checks: tuple[Finding, ...] = ()
