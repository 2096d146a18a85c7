"""A traced PyTorch module: from a file that `llcray.torch.save` wrote, or from a function that makes the module."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from llcray.array_types import Arrays
from llcray.aten.file import read_head
from llcray.aten.json_form import dumps
from llcray.components.structure import Structure
from llcray.file_digest import check_as_given, check_as_planned, file_digest
from llcray.full_path import full_path
from llcray.targets.factory_check import check_factory
from llcray.targets.steps_on_disk import is_pattern, paths_by_step, step_of
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TargetSize, TrajectoryVariant
from llcray.variant import NonNegativeInt, canonical_json, content_id, identity


class TorchTarget(TrajectoryVariant):
    """w* and the loss are those of a PyTorch module. Either `path` or `factory` is given.

    A file is read without torch, and its bytes make the id. A factory needs torch where the target is built; its name
    and arguments make the id, its source does not: give changed code another name or argument.

    Attributes:
        path: File that `llcray.torch.save` wrote; with wildcards (`run/probe-*.llcray`) each file is a target, and the
            number that ends its name is its step: a trajectory. Files of one network share compiled programs.
        factory: `package.module:function`, which returns `(module, loss, data)` as `llcray.torch.target` takes them, or
            what that returns; called with `arguments`, and with `seed` if it has such a parameter.
        arguments: Keyword arguments of the factory.
        seed: Varies what the factory draws; tells replicates of a file apart.
        step: Training step.
        sha256: Digest of the file, filled in when the spec is validated; given, the file must match it.
        trajectory: Digest of the first file of a trajectory; filled in.
    """

    kind: Literal["torch"] = "torch"
    path: Annotated[Path | None, Field(exclude=True)] = None
    factory: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] | None = None
    arguments: dict[str, Any] = Field(default_factory=dict)
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    trajectory: Annotated[str | None, Field(exclude=True)] = None
    seed: NonNegativeInt = 0

    @field_validator("path")
    @classmethod
    def _make_the_path_full(cls, value: Path | None) -> Path | None:
        return None if value is None else full_path(value)

    @field_validator("arguments")
    @classmethod
    def _check_that_arguments_have_an_identity(cls, value: dict[str, Any]) -> dict[str, Any]:
        canonical_json(value)
        return value

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if (self.path is None) == (self.factory is None):
            raise ValueError("give either path, a file that llcray.torch.save wrote, or factory, a function")
        if self.path is None:
            return self
        if self.arguments:
            raise ValueError("arguments are those of a factory; a path has none")
        if is_pattern(self.path):
            for file in self.files():
                read_head(file)
            return self
        read_head(self.path)
        digest = file_digest(self.path)
        check_as_given(self.path, digest, self.sha256)
        object.__setattr__(self, "sha256", digest)
        return self

    def files(self) -> list[Path]:
        """The file, or those that a pattern names, by step; none where a factory makes the target.

        Raises:
            ValueError: A pattern names none, or a name ends in no number.
        """
        if self.path is None:
            return []
        if not is_pattern(self.path):
            return [self.path]
        return paths_by_step(self.path, Path.is_file, "file", "probe-*.llcray")

    def checkpointed(self) -> Sequence[Self]:
        """A target for each file."""
        if self.path is None or not is_pattern(self.path):
            return (self,)
        files = self.files()
        given = {name: getattr(self, name) for name in type(self).model_fields}
        first = file_digest(files[0])
        changed = [{"path": file, "step": step_of(file.stem), "trajectory": first} for file in files]
        return tuple(type(self)(**given | fields) for fields in changed)

    def at_step(self, step: int | None) -> Self:
        """The whole training (step None), which its checkpoints share; there is no other step to go to."""
        if step is not None:
            raise ValueError("a file has one step. Use a pattern for the path, such as run/probe-*.llcray.")
        return self.model_copy(update={"step": None, "sha256": self.trajectory, "trajectory": None})

    def check(self) -> None:
        """Looks for the factory in its module's source; a file was looked at when the spec was validated.

        Raises:
            ValueError: There is no such module or function, or it does not take the arguments.
        """
        if self.factory is not None:
            check_factory(self.factory, self.arguments)

    def build(self) -> Target:
        from llcray.targets.torch.build import build_from_factory, build_from_file

        if self.factory is not None:
            return build_from_factory(self.factory, self.arguments, self.seed)
        assert self.path is not None
        check_as_planned(self.path, file_digest(self.path), self.sha256)
        return build_from_file(self.path)

    def needed_packages(self, *, is_stored: bool) -> tuple[str, ...]:
        return () if is_stored or self.factory is None else ("torch",)

    def signature(self) -> Any:
        """Graph and shapes of a file; the factory and its arguments."""
        if self.path is None:
            return identity(self.model_copy(update={"seed": 0}))
        head = read_head(self.path)
        return [self.kind, dumps(head.description.graph), sorted(map(str, head.shapes.items()))]

    def structure(self) -> Structure | None:
        files = self.files()
        return read_head(files[0]).description.structure if files else None

    @property
    def size(self) -> TargetSize:
        files = self.files()
        if not files:
            return TargetSize()
        shapes = read_head(files[0]).shapes
        num_data = next(shape[0] for name, shape in shapes.items() if name.startswith("data/"))
        params = [shape for name, shape in shapes.items() if name.startswith("params/")]
        return TargetSize(num_data, sum(int(np.prod(shape)) for shape in params))

    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters in the file; none are known of a factory's."""
        files = self.files()
        return read_head(files[0]).description.graph.parameters if files else ()

    def stored_arrays(self, target: Target) -> Arrays:
        """All that a factory made, so that torch is needed once; of a file, which stays where it is, the digest."""
        from llcray.targets.torch.build import arrays_of

        return (
            arrays_of(target)
            if self.path is None
            else {"sha256": np.frombuffer(bytes.fromhex(self.sha256 or ""), np.uint8)}
        )

    def restore(self, arrays: Arrays, facts: TargetFacts, needed: Sequence[Arrays]) -> Target:
        from llcray.targets.torch.build import target_of_arrays

        del needed
        target = target_of_arrays(arrays) if self.path is None else self.build()
        return dataclasses.replace(target, facts=facts, target_id=content_id(self))
