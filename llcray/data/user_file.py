"""A file of the user's own as part of a spec, whose bytes enter the identity and whose path does not."""

from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from llcray.file_digest import digest_now, file_digest
from llcray.variant import Variant

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


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
        if value.suffix not in cls.suffixes:
            raise ValueError(f"{value} ends in none of {', '.join(cls.suffixes)}: convert it to one of these")
        return value.expanduser().absolute()

    @model_validator(mode="after")
    def _fill_in_the_digest(self) -> Self:
        if not self.path.is_file():
            if self.sha256 is None:
                raise ValueError(f"there is no file {self.path}: give a path from the folder you run in, or a full one")
            return self
        digest = file_digest(self.path)
        if self.sha256 not in (None, digest):
            raise ValueError(f"{self.path} has SHA-256 {digest}, not the {self.sha256} given: it has changed")
        object.__setattr__(self, "sha256", digest)
        return self

    def check_unchanged(self) -> None:
        """Refuses a file that has changed since the spec was validated.

        Raises:
            ValueError: The file changed.
        """
        if digest_now(self.path) != self.sha256:
            raise ValueError(f"{self.path} changed after the sweep was planned. Plan the sweep again.")
