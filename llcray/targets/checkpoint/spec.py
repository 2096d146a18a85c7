"""A language model on disk: a folder as Hugging Face's `save_pretrained` and trainers write it, and token data."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from llcray.array_types import Arrays, PyTree
from llcray.components.structure import Structure
from llcray.data.tokens import Tokens
from llcray.file_digest import check_as_given, check_as_planned
from llcray.targets.checkpoint.architecture import TracedConfig, read_architecture
from llcray.targets.checkpoint.decoder.loading import check_weights
from llcray.targets.checkpoint.folder import STEP, folder_digest, step_of
from llcray.targets.checkpoint.tokens import fitting_tokens
from llcray.targets.loss_on import Examples, OtherTokens
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TrajectoryVariant
from llcray.variant import NonNegativeInt, content_id

WILDCARDS = re.compile(r"[*?[]")


class CheckpointTarget(TrajectoryVariant):
    """w* is a checkpoint of a causal language model; the loss is that of the next token.

    GPT-2, GPT-NeoX (Pythia), Llama, Qwen2 and Qwen3 are read without torch. Other models of transformers, and adapters
    of PEFT, which are merged, are traced where torch and transformers are installed: workers need them too.

    The bytes of weights, configuration and data make the id; their places do not. The weights are not copied into the
    dataset: keep the folder.

    Attributes:
        path: The folder; with wildcards (`run/checkpoint-*`) each folder is a target, and the number that ends its name
            is its step: a trajectory.
        data: The tokens.
        reduction: `mean` over a sequence's predictions (what is published is mostly this), or their `sum`, which alone
            is the sequence's negative log-likelihood; rows of `mean` are flagged as not a likelihood.
        compute_dtype: Type of the forward and backward pass of the chains; positions of chains stay float32.
        remat: Whether blocks are computed again in the backward pass instead of kept: less memory, a third more time.
        step: Training step.
        sha256: Digest of the folder, filled in when the spec is validated; given, the folder must match it.
        trajectory: Digest of the first folder of a trajectory; filled in.
        seed: Tells replicates apart; the target is the same.
    """

    kind: Literal["checkpoint"] = "checkpoint"
    path: Annotated[Path, Field(exclude=True)]
    data: Tokens
    reduction: Literal["mean", "sum"] = "mean"
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    remat: Annotated[bool, Field(exclude=True)] = False
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    trajectory: Annotated[str | None, Field(exclude=True)] = None
    seed: NonNegativeInt = 0

    @field_validator("path")
    @classmethod
    def _make_the_path_full(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if self._is_pattern():
            for folder in self.folders():
                read_architecture(folder)
            return self
        read_architecture(self.path)
        digest = folder_digest(self.path)
        check_as_given(self.path, digest, self.sha256)
        object.__setattr__(self, "sha256", digest)
        return self

    def _is_pattern(self) -> bool:
        return WILDCARDS.search(str(self.path)) is not None and not self.path.is_dir()

    def check(self) -> None:
        folders = self.folders() if self._is_pattern() else [self.path]
        for folder in folders:
            config = read_architecture(folder)
            if isinstance(config, TracedConfig):
                self._check_options(folder)
            else:
                check_weights(folder, config)
        if self.data.path.is_file():
            fitting_tokens(self.data, read_architecture(folders[0]))

    def _check_options(self, folder: Path) -> None:
        if self.remat or self.compute_dtype != "float32":
            raise ValueError(
                f"{folder} is traced with torch, since the built-in decoder does not compute it; remat and "
                "compute_dtype are options of the decoder. Leave them out."
            )

    def folders(self) -> list[Path]:
        """The folders that the path names, by step.

        Raises:
            ValueError: There are none, or a name ends in no number.
        """
        root = next(parent for parent in self.path.parents if parent.is_dir())
        found = [path for path in root.glob(str(self.path.relative_to(root))) if path.is_dir()]
        if not found:
            raise ValueError(f"there is no folder {self.path}: give a folder, or a pattern such as run/checkpoint-*")
        if unnumbered := [path.name for path in found if STEP.search(path.name) is None]:
            raise ValueError(
                f"{self.path} names {unnumbered[0]}, which ends in no step; name folders like checkpoint-100"
            )
        return sorted(found, key=step_of)

    def checkpointed(self) -> Sequence[Self]:
        """A target for each folder."""
        if not self._is_pattern():
            return (self,)
        folders = self.folders()
        given = {name: getattr(self, name) for name in type(self).model_fields}
        first = folder_digest(folders[0])
        changed = [{"path": folder, "step": step_of(folder), "trajectory": first} for folder in folders]
        return tuple(type(self)(**given | fields) for fields in changed)

    def at_step(self, step: int | None) -> Self:
        """The whole training (step None), which its checkpoints share; there is no other step to go to."""
        if step is not None:
            raise ValueError("a checkpoint on disk has one step. Use a pattern for the path, such as run/checkpoint-*.")
        return self.model_copy(update={"step": None, "sha256": self.trajectory, "trajectory": None})

    def build(self) -> Target:
        from llcray.targets.checkpoint.build import build_checkpoint

        check_as_planned(self.path, folder_digest(self.path), self.sha256)
        return build_checkpoint(self.path, self.data, self.reduction, self.compute_dtype, self.remat)

    def stored_arrays(self, target: Target) -> Arrays:
        """The digest alone: the weights stay in their folder."""
        del target
        return {"sha256": np.frombuffer(bytes.fromhex(self.sha256 or ""), np.uint8)}

    def restore(self, arrays: Arrays, facts: TargetFacts, needed: Sequence[Arrays]) -> Target:
        del arrays, needed
        return dataclasses.replace(self.build(), facts=facts, target_id=content_id(self))

    def examples(self, source: Examples) -> PyTree:
        if not isinstance(source, OtherTokens):
            return super().examples(source)
        return {"tokens": fitting_tokens(source.data, read_architecture(self.path))}

    def structure(self) -> Structure:
        """Layers and heads, for components."""
        folder = self.folders()[0] if self._is_pattern() else self.path
        return read_architecture(folder).structure
