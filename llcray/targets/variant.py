"""The contract that every kind of target fulfils. Specs load no JAX; `build` and `restore` do.

A kind writes its fields and `build`; the defaults of the other methods suit a target whose spec is a recipe: its
parameters are stored, its data are drawn anew. Kinds that are points along a training derive from `TrajectoryVariant`.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, Self

from llcray.array_types import Arrays, PyTree
from llcray.targets.arrays import named_arrays, tree_of
from llcray.targets.target import Target, TargetFacts
from llcray.variant import NonNegativeInt, Variant, content_id

if TYPE_CHECKING:
    from llcray.components.structure import Structure
    from llcray.targets.loss_on import Examples
    from llcray.targets.policy_loss import PolicyLossVariant


class TargetSize(NamedTuple):
    """Size of a target as far as its spec says it; None where only building tells.

    Attributes:
        num_data: Number of examples n.
        num_params: Number of parameters d.
    """

    num_data: int | None = None
    num_params: int | None = None


class TargetLibrary(Protocol):
    """Targets that are built already."""

    def arrays_of(self, spec: "TargetVariant") -> Arrays | None:
        """The stored arrays of a target; None where it has to be built."""
        ...

    def keep(self, spec: "TargetVariant", target: Target) -> bool:
        """Stores a target; False where another writer was first, whose target counts."""
        ...


class TargetVariant(Variant):
    """Base of every kind of target.

    Attributes:
        phase: Word for people who watch while a target of this kind is made.
    """

    phase: ClassVar[Literal["building", "training"]] = "building"

    kind: Any  # a Literal in every kind; type checkers take fields for mutable, and refuse to narrow `str` to it

    def build(self) -> Target:
        """Makes the target, its arrays on the host. Everything drawn follows from the spec.

        Raises:
            ValueError: The spec does not fit the data it names.
            FloatingPointError: Training diverged.
        """
        raise NotImplementedError

    def signature(self) -> Any:
        """JSON-ready value that is equal for targets of this kind whose compiled programs are the same.

        By default everything but the seed, since the numbers of a formula are part of its program. Two targets of one
        signature that turn out to differ are sampled by two programs; nothing else happens.
        """
        return self.model_dump(mode="json", exclude={"seed"})

    def structure(self) -> "Structure | None":
        """Numbers of layers and heads, for components such as `l0h1`; None where the spec has no network."""
        return None

    def needed_packages(self, *, is_stored: bool) -> tuple[str, ...]:
        """Packages beyond llcray's own that making the target takes where it is sampled.

        Args:
            is_stored: Whether the dataset has the target's `stored_arrays`.
        """
        del is_stored
        return ()

    @property
    def size(self) -> TargetSize:
        """Numbers of examples and parameters, for predictions of cost."""
        return TargetSize()

    @property
    def num_phases(self) -> int:
        """Number of phases of training that have data of their own."""
        return 1

    def stored_arrays(self, target: Target) -> Arrays:
        """The arrays of a built target that are kept in the dataset, by name: `params/hidden_0/kernel`."""
        return named_arrays("params", target.params)

    def restore(self, arrays: Arrays, facts: TargetFacts, needed: Sequence[Arrays]) -> Target:
        """The target whose `stored_arrays` these are.

        Args:
            arrays: Arrays by name.
            facts: What was measured when the target was built.
            needed: Arrays of `needed_targets`, in their order.

        Raises:
            ValueError: The arrays are not those of this spec.
        """
        del needed
        return self.filled(self.build(), arrays, facts)

    def needed_targets(self) -> "Sequence[TargetVariant]":
        """Targets whose arrays `restore` reads besides those of this one."""
        return ()

    def filled(self, like: Target, arrays: Arrays, facts: TargetFacts) -> Target:
        """A target of this spec like another one, with stored parameters, and with stored data if there are any."""
        params = tree_of("params", like.params, arrays)
        has_data = any(name.startswith("data") for name in arrays)
        data = tree_of("data", like.data, arrays) if has_data else like.data
        return dataclasses.replace(like, params=params, data=data, facts=facts, target_id=content_id(self))

    def examples(self, source: "Examples") -> PyTree:
        """Other examples than the target's own, in the form of its data.

        Raises:
            ValueError: Targets of this kind have no such examples.
        """
        raise self._no_examples(source)

    def num_examples(self, source: "Examples") -> int | None:
        """The number of examples that `examples` makes; None where only making them tells.

        Raises:
            ValueError: Targets of this kind have no such examples.
        """
        raise self._no_examples(source)

    def _no_examples(self, source: "Examples") -> ValueError:
        remedy = {"tokens": "checkpoints"}.get(source.kind, "trained targets")
        return ValueError(f"loss_on {source.cell()} is for {remedy}; this target is {self.kind}. Use kind: python.")

    def with_loss(self, target: Target, loss: "PolicyLossVariant") -> Target:
        """The built target with another loss.

        Raises:
            ValueError: Targets of this kind have one loss.
        """
        del target, loss
        raise ValueError(f"losses are for fine_tuned targets; this one is {self.kind}. Use loss_on.")


class TrajectoryVariant(TargetVariant):
    """Base of the kinds that are points along a training.

    Attributes:
        step: Steps of the optimizer that were taken; None where the target is not one of several along a training.
    """

    step: NonNegativeInt | None = None

    def at_step(self, step: int | None) -> Self:
        """The same training at another step; None names the whole training."""
        return self.model_copy(update={"step": step})

    def checkpointed(self) -> Sequence[Self]:
        """A target for each checkpoint that the spec asks for; the target itself where it is one."""
        return (self,)

    @property
    def trajectory_id(self) -> str | None:
        """Content id of the training that the target is a point of; None where it is the only one."""
        return None if self.step is None else content_id(self.at_step(None))

    @classmethod
    def build_checkpoints(
        cls, specs: Sequence["TrajectoryVariant"], library: TargetLibrary
    ) -> Iterator[tuple["TrajectoryVariant", Target]]:
        """Makes all checkpoints that the trainings of these specs record, each training once.

        By default there are none: checkpoints that are not recorded together are built one by one.

        Args:
            specs: Targets with a step; those of other kinds are passed over.
            library: Where targets that the trainings start from are found and kept.

        Raises:
            FloatingPointError: A training diverged.
        """
        del specs, library
        return iter(())
