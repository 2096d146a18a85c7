"""Checkpoints named by their ids on the Hugging Face hub: found in the local cache, or fetched into it.

A name is `hf://REPOSITORY` or `hf://REPOSITORY@REVISION`, the revision a branch, a tag or a commit. Wildcards in the
revision name several: `hf://EleutherAI/pythia-14m@step*`.
"""

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from llcray.targets.checkpoint.folder import WEIGHTS
from llcray.targets.steps_on_disk import STEP, WILDCARDS, step_of

SCHEME = "hf://"
ID = re.compile(r"(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>(?!\S*\.\.)\S+))?")
FILES = (*WEIGHTS, "*.safetensors.index.json")
"""What a decoder reads of a repository."""

Found = TypeVar("Found")


class HubModel(NamedTuple):
    """A repository of models at one revision, or at those that a pattern names; the main one where None is given."""

    repository: str
    revision: str | None

    @classmethod
    def parse(cls, name: str) -> "HubModel":
        """The model that a name stands for.

        Raises:
            ValueError: The name is none of a repository.
        """
        match = ID.fullmatch(name.removeprefix(SCHEME))
        if match is None:
            raise ValueError(f"{name} names no model: write {SCHEME}ORGANISATION/MODEL or {SCHEME}MODEL@REVISION")
        return cls(match["repository"], match["revision"])

    @property
    def is_pattern(self) -> bool:
        """Whether the revision names several."""
        return self.revision is not None and WILDCARDS.search(self.revision) is not None

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}{'' if self.revision is None else f'@{self.revision}'}"


def hub_name(path: str) -> str | None:
    """The name on the hub that a path stands for; None for a path.

    `ORGANISATION/MODEL` is a path where its first part is a folder here.
    """
    if path.startswith(SCHEME):
        return str(HubModel.parse(path))
    match = ID.fullmatch(path)
    if match is None or "/" not in path or Path(path).parent.is_dir() or path.startswith("."):
        return None
    return f"{SCHEME}{path}"


@lru_cache(maxsize=4096)
def cached_folder(name: str) -> Path:
    """The folder of a model in the local cache, where what it lacks is fetched from the hub once a process.

    Raises:
        ValueError: huggingface_hub is not installed, there is no such model, or it is not in the cache and the hub
            cannot be reached.
    """
    model = HubModel.parse(name)

    def fetch() -> Path:
        from huggingface_hub import snapshot_download  # pyright: ignore[reportMissingImports]

        return Path(snapshot_download(model.repository, revision=model.revision, allow_patterns=list(FILES)))

    return _asked(model, fetch)


def revisions(name: str) -> list[str]:
    """The names of the single revisions that a pattern stands for, by the number that ends each.

    Those of the hub where it can be reached, else those in the local cache.

    Raises:
        ValueError: There are none, or a revision ends in no step.
    """
    model = HubModel.parse(name)
    assert model.revision is not None
    known = _asked(model, lambda: _revisions_of(model.repository))
    found = fnmatch.filter(known, model.revision)
    if not found:
        raise ValueError(f"{name} names no revision; there are {', '.join(sorted(known)[:8]) or 'none'}")
    if strange := [revision for revision in found if STEP.search(revision) is None]:
        raise ValueError(f"{name} names {strange[0]}, which ends in no step; make the pattern narrower")
    return [str(HubModel(model.repository, revision)) for revision in sorted(found, key=step_of)]


def _revisions_of(repository: str) -> list[str]:
    from huggingface_hub import HfApi, constants  # pyright: ignore[reportMissingImports]

    try:
        refs = HfApi().list_repo_refs(repository)
    # The client raises errors of the package that it speaks HTTP with, which differs between versions.
    except Exception:
        folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "refs"
        if not folder.is_dir():
            raise
        return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return [ref.name for ref in (*refs.branches, *refs.tags)]


def _asked(model: HubModel, ask: Callable[[], Found]) -> Found:
    """The answer of the hub's client, whose refusals become one line."""
    try:
        return ask()
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{model} is a model of the Hugging Face hub, which is read with huggingface_hub: python -m pip install "
            '"llcray[hub]", or give the folder of a download'
        ) from error
    except Exception as error:
        raise ValueError(_refusal(model, error)) from error


def _refusal(model: HubModel, error: Exception) -> str:
    from huggingface_hub import constants, errors  # pyright: ignore[reportMissingImports]

    if isinstance(error, errors.GatedRepoError):
        return f"{model} is given to those who asked its authors: ask on its page, then `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no model {model.repository!r} that you may read; for a private one, `hf auth login`"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{model.repository} has no revision {model.revision!r} on the hub; its page lists branches and tags"
    revision = "" if model.revision is None else f" --revision {model.revision}"
    said = str(error).partition("\n")[0].rstrip(".")
    return (
        f"{model} is not in the cache {constants.HF_HUB_CACHE}, and the hub gives no answer ({said[:200]}). Fetch it "
        f"where there is a network, with `hf download {model.repository}{revision}`, or give a folder that is here"
    )
