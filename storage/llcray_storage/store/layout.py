"""Paths of everything in a dataset, and the words for them.

    llcray.json                                        marker: format version, id, what the storage supports
    runs/sweep=S/t-<run_id>.g<generation>.parquet      the commit of one run
    runs/sweep=S/seg-<sha16>.parquet                   a segment: many runs, compacted
    draws/sweep=S/c-<run_id>.g<generation>-<sha12>.parquet
    draws/sweep=S/seg-<sha16>.parquet
    targets/t-<target_id>.g<generation>.parquet        the commit of one target; seg- when compacted
    targets/<aa>/<target_id>-<digest12>.safetensors    the arrays of a target
    stages/sweep=S/t-<metric>-<method>.g<generation>.parquet   all stages of a metric
    sweeps/sweep=S/<12 digits>.json                    a sweep's YAML file with its question; the newest comes last
    _llcray/manifest/sweep=S/<12 digits>.json          a manifest; the one with the highest number counts
    _llcray/manifest/targets/<12 digits>.json
    _llcray/unfinished/<run_id>/<12 digits>-<sha16>    the state of an unfinished run
    _llcray/unfinished/<run_id>-end/<12 digits>-<sha16>  the end of a run that another goes on from
    _llcray/drivers/sweep=S/<holder>.<12 digits>       a sign of life of a driver of the sweep (see `write.holders`)
    _llcray/claims/sweep=S/<run_id>.g<generation>.c<number>   the driver that has taken a run (see `write.claims`)
    _llcray/renames/<new name>.json                    a sweep is becoming this one (see `maintain.rename`)
    _llcray/{tmp,quarantine}/

A *commit* is the Parquet file of one row: the run or target exists once that file does. A later *generation* of the
same id replaces it. A *hot* commit lies in a file of its own; compaction copies its row into a *segment*, a file of
many rows. A *manifest* lists the segments that count. A *partition* is what is committed and compacted together.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from llcray_storage.errors import StorageError
from llcray_storage.schema.tables import DRAWS, RUNS, TARGETS, Table

FORMAT_VERSION = 1
MARKER = "llcray.json"
TMP = "_llcray/tmp"
QUARANTINE = "_llcray/quarantine"
UNFINISHED = "_llcray/unfinished"
RENAMES = "_llcray/renames"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COMMIT_FILE = re.compile(r"t-([A-Za-z0-9_-]{1,64})\.g([0-9]+)\.parquet")
DRAWS_FILE = re.compile(r"c-([A-Za-z0-9_-]{1,64})\.g([0-9]+)-[0-9a-f]{12}\.parquet")
SEGMENT_FILE = re.compile(r"seg-[0-9a-f]{16}\.parquet")
MANIFEST_FILE = re.compile(r"([0-9]{12})\.json")
ARTIFACT_FILE = re.compile(r"([A-Za-z0-9_-]{1,64})-[0-9a-f]{12}\.safetensors")
ARTIFACT_PATH = re.compile(rf"targets/[A-Za-z0-9_-]{{1,2}}/{ARTIFACT_FILE.pattern}")
UNFINISHED_FILE = re.compile(r"([0-9]{12})-([0-9a-f]{16})")
BEAT_FILE = re.compile(r"([0-9a-f]{16})\.[0-9]{12}")
SWEEP_FOLDER = "sweep="


@dataclass(frozen=True)
class Partition:
    """The rows that are committed and compacted together: a sweep's runs with their draws, or all targets.

    Attributes:
        table: The table whose rows are commits.
        details: The table whose rows belong to those commits (draws); None for targets.
        sweep: Name of the sweep; None for targets.
    """

    table: Table
    details: Table | None
    sweep: str | None

    @property
    def folder(self) -> str:
        """Folder of the commits."""
        return self.table.name if self.sweep is None else f"{self.table.name}/sweep={self.sweep}"

    @property
    def details_folder(self) -> str:
        """Folder of the rows that belong to the commits."""
        return f"{DRAWS.name}/sweep={self.sweep}"

    @property
    def manifests(self) -> str:
        """Folder of the manifests."""
        return f"_llcray/manifest/{self.table.name if self.sweep is None else f'sweep={self.sweep}'}"

    @property
    def drivers(self) -> str:
        """Folder of the signs of life of a sweep's drivers."""
        return f"_llcray/drivers/sweep={self.sweep}"

    @property
    def claims(self) -> str:
        """Folder of the claims of a sweep's runs."""
        return f"_llcray/claims/sweep={self.sweep}"

    def folder_of(self, table: Table) -> str:
        """Return the folder of one of the partition's tables."""
        return self.folder if table is self.table else self.details_folder

    def commit_path(self, identity: str, generation: int) -> str:
        """Return the path of a commit."""
        return f"{self.folder}/t-{identity}.g{generation}.parquet"

    @property
    def title(self) -> str:
        """The name of the partition in messages."""
        return self.table.name if self.sweep is None else f"sweep '{self.sweep}'"


def sweep_partition(sweep: str) -> Partition:
    """Return the partition of a sweep.

    Raises:
        StorageError: The sweep's name cannot be a folder on every storage.
    """
    if not NAME.fullmatch(sweep):
        raise StorageError(
            f"sweep name {sweep!r} cannot be a folder everywhere: use letters, digits, '_', '-' and '.'."
        )
    return Partition(RUNS, DRAWS, sweep)


TARGET_PARTITION = Partition(TARGETS, None, None)


def checked_id(identity: str) -> str:
    """Return the id unchanged when it can be part of a file name.

    Raises:
        StorageError: The id cannot be part of a file name.
    """
    if not ID.fullmatch(identity):
        raise StorageError(
            f"id {identity!r} cannot be part of a file name: use at most 64 letters, digits, '_' and '-'."
        )
    return identity


def checked_key(key: str) -> str:
    """Return the path of an object unchanged when it stays inside the dataset.

    Both kinds of store check every path by this function. Names that stand in rows and files, which somebody else may
    have written, are compared with the patterns of this module before they become part of a path.

    Raises:
        StorageError: The path is absolute, goes up (`..`) or has an empty part.
    """
    parts = key.split("/")
    if "\0" in key or "\\" in key or ":" in parts[0] or any(part in ("", ".", "..") for part in parts):
        raise StorageError(f"path {key!r} leads out of the dataset: nothing was read or changed there.")
    return key


def mending_command(uri: str) -> str:
    """Return the command that mends a damaged dataset, as it can be pasted into a shell."""
    return shlex.join(["llcray", "verify", uri, "--repair"])


def sweeps_among(folders: Iterable[str]) -> tuple[list[str], list[str]]:
    """Sort the names of folders of sweeps.

    Returns:
        The sweeps, and the folders that begin like one of a sweep but have a name that no sweep can have.
    """
    named = sorted({folder for folder in folders if folder.startswith(SWEEP_FOLDER)})
    is_sweep = {folder: NAME.fullmatch(folder.removeprefix(SWEEP_FOLDER)) is not None for folder in named}
    sweeps = [folder.removeprefix(SWEEP_FOLDER) for folder in named if is_sweep[folder]]
    return sweeps, [folder for folder in named if not is_sweep[folder]]


def draws_name(run_id: str, generation: int, digest: str) -> str:
    """Return the name of the draws file of a run; `digest` is the SHA-256 of its bytes."""
    return f"c-{run_id}.g{generation}-{digest[:12]}.parquet"


def segment_name(digest: str) -> str:
    """Return the name of a segment; `digest` is the SHA-256 of its bytes."""
    return f"seg-{digest[:16]}.parquet"


def artifact_path(target_id: str, digest: str) -> str:
    """Return the path of a target's arrays; `digest` is that of their content."""
    return f"targets/{target_id[:2]}/{target_id}-{digest[:12]}.safetensors"
