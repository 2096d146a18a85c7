"""A file of the user's own as part of a spec, whose bytes enter the identity and whose path does not."""

import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, Self, runtime_checkable

from pydantic import BaseModel, Field, field_validator, model_validator

from llcray.file_digest import check_as_given, check_as_planned, digest_now, file_digest
from llcray.full_path import full_path
from llcray.variant import Variant

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@runtime_checkable
class ReadsFiles(Protocol):
    """A spec that reads files of the user's, which can be looked at before any run starts."""

    def check(self) -> None:
        """Reads the files as they will be read for a run, where they are there. Needs no accelerator.

        Raises:
            ValueError: A file does not hold what the spec says; the message names the remedy.
        """
        ...


def files_in(spec: Any) -> Iterator[ReadsFiles]:
    """The specs within a spec, itself included, that read files of the user's."""
    if isinstance(spec, BaseModel):
        if _reads_files(type(spec)):
            yield spec  # pyright: ignore[reportReturnType]
        yield from itertools.chain.from_iterable(files_in(value) for _, value in spec)
    elif isinstance(spec, tuple | list):
        yield from itertools.chain.from_iterable(map(files_in, spec))


@cache
def _reads_files(kind: type[BaseModel]) -> bool:
    return issubclass(kind, ReadsFiles)


class UserFile(Variant):
    """Base of the data read from a file. A moved file is the same data, a changed file is not.

    Attributes:
        path: The file; its name ends in one of `suffixes`.
        sha256: Digest of the file, filled in when the spec is validated; where it is given, the file must match it.
    """

    suffixes: ClassVar[tuple[str, ...]]

    path: Annotated[Path, Field(exclude=True)]
    sha256: Sha256 | None = None

    @field_validator("path")
    @classmethod
    def _check_the_suffix(cls, value: Path) -> Path:
        if value.suffix.lower() not in cls.suffixes:
            raise ValueError(f"{value} ends in none of {', '.join(cls.suffixes)}: convert it to one of these")
        return full_path(value)

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if not self.path.is_file():
            if self.sha256 is None:
                raise ValueError(f"there is no file {self.path}: give a path from the folder you run in, or a full one")
            return self
        digest = file_digest(self.path)
        check_as_given(self.path, digest, self.sha256)
        object.__setattr__(self, "sha256", digest)
        return self

    def check(self) -> None:
        raise NotImplementedError

    def check_unchanged(self) -> None:
        """Refuses a file that has changed since the spec was validated.

        Raises:
            ValueError: The file changed.
        """
        check_as_planned(self.path, digest_now(self.path), self.sha256)
