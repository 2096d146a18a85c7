"""A language model: a folder as Hugging Face's `save_pretrained` and trainers write it, or a hub's name; and tokens."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from llcray.array_types import Arrays, PyTree
from llcray.components.structure import Structure
from llcray.data.tokens import Tokens
from llcray.file_digest import check_as_given, check_as_planned
from llcray.full_path import full_path
from llcray.targets.checkpoint.architecture import TracedConfig, read_architecture
from llcray.targets.checkpoint.decoder.loading import check_weights
from llcray.targets.checkpoint.folder import folder_digest
from llcray.targets.checkpoint.hub import SCHEME, HubModel, cached_folder, hub_name, revisions
from llcray.targets.checkpoint.tokens import fitting_tokens
from llcray.targets.loss_on import Examples, OtherTokens
from llcray.targets.steps_on_disk import is_pattern, paths_by_step, step_of
from llcray.targets.target import Target, TargetFacts
from llcray.targets.variant import TrajectoryVariant
from llcray.variant import NonNegativeInt, content_id


class CheckpointTarget(TrajectoryVariant):
    """w* is a checkpoint of a causal language model; the loss is that of the next token.

    GPT-2, GPT-NeoX (Pythia), Llama, Qwen2 and Qwen3 are read without torch. Other models of transformers, and adapters
    of PEFT, which are merged, are traced where torch and transformers are installed: workers need them too.

    The bytes of weights, configuration and data make the id; their places do not. The weights are not copied into the
    dataset: keep the folder.

    Attributes:
        path: The folder, or a model of the Hugging Face hub, `hf://EleutherAI/pythia-14m@step3000`, which is read from
            the local cache and fetched where it is not there. With wildcards (`run/checkpoint-*`, `...@step*`) each
            folder or revision is a target, and the number that ends its name is its step: a trajectory.
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
    path: Annotated[Annotated[str, Field(pattern=f"^{SCHEME}")] | Path, Field(exclude=True)]
    data: Tokens
    reduction: Literal["mean", "sum"] = "mean"
    compute_dtype: Literal["float32", "bfloat16"] = "float32"
    remat: Annotated[bool, Field(exclude=True)] = False
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    trajectory: Annotated[str | None, Field(exclude=True)] = None
    seed: NonNegativeInt = 0

    @field_validator("path")
    @classmethod
    def _make_the_path_full(cls, value: str | Path) -> str | Path:
        named = hub_name(str(value))
        path = full_path(value) if named is None else named
        # Here rather than with the whole, so that it is said beside mistakes in other fields.
        for place in _places(path):
            read_architecture(_folder_at(place))
        return path

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if not _is_pattern(self.path):
            digest = folder_digest(self.folder)
            check_as_given(self.folder, digest, self.sha256)
            object.__setattr__(self, "sha256", digest)
        return self

    @property
    def folder(self) -> Path:
        """The folder, of a model of the hub that in the local cache of the machine that asks; the first of several."""
        return _folder_at(_places(self.path)[0])

    def check(self) -> None:
        folders = [_folder_at(place) for place in _places(self.path)]
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

    def checkpointed(self) -> Sequence[Self]:
        """A target for each folder or revision."""
        if not _is_pattern(self.path):
            return (self,)
        places = _places(self.path)
        given = {name: getattr(self, name) for name in type(self).model_fields}
        first = folder_digest(_folder_at(places[0]))
        changed = [{"path": place, "step": step_of(str(place)), "trajectory": first} for place in places]
        return tuple(type(self)(**given | fields) for fields in changed)

    def at_step(self, step: int | None) -> Self:
        """The whole training (step None), which its checkpoints share; there is no other step to go to."""
        if step is not None:
            raise ValueError("a checkpoint on disk has one step. Use a pattern for the path, such as run/checkpoint-*.")
        return self.model_copy(update={"step": None, "sha256": self.trajectory, "trajectory": None})

    def build(self) -> Target:
        from llcray.targets.checkpoint.build import build_checkpoint

        check_as_planned(self.folder, folder_digest(self.folder), self.sha256)
        return build_checkpoint(self.folder, self.data, self.reduction, self.compute_dtype, self.remat)

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
        return {"tokens": fitting_tokens(source.data, read_architecture(self.folder))}

    def num_examples(self, source: Examples) -> int | None:
        return None if isinstance(source, OtherTokens) else super().num_examples(source)

    def needed_packages(self, *, is_stored: bool) -> tuple[str, ...]:
        """Those that trace the checkpoint; it is read from its folder wherever it is sampled."""
        del is_stored
        config = read_architecture(self.folder)
        return config.needed_packages if isinstance(config, TracedConfig) else ()

    def structure(self) -> Structure:
        """Layers and heads, for components."""
        return read_architecture(self.folder).structure


def _is_pattern(path: str | Path) -> bool:
    if isinstance(path, str):
        return HubModel.parse(path).is_pattern
    return is_pattern(path)


def _places(path: str | Path) -> Sequence[str | Path]:
    """The folders, or names on the hub, that a path stands for, by step."""
    if not _is_pattern(path):
        return [path]
    return revisions(path) if isinstance(path, str) else paths_by_step(path, Path.is_dir, "folder", "checkpoint-*")


def _folder_at(place: str | Path) -> Path:
    return cached_folder(place) if isinstance(place, str) else place
