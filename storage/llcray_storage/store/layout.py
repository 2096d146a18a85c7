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
    _llcray/{tmp,quarantine}/

A *commit* is the Parquet file of one row: the run or target exists once that file does. A later *generation* of the
same id replaces it. A *hot* commit lies in a file of its own; compaction copies its row into a *segment*, a file of
many rows. A *manifest* lists the segments that count. A *partition* is what is committed and compacted together.
"""

import re
from dataclasses import dataclass

from llcray_storage.errors import StorageError
from llcray_storage.schema.tables import DRAWS, RUNS, TARGETS, Table

FORMAT_VERSION = 1
MARKER = "llcray.json"
TMP = "_llcray/tmp"
QUARANTINE = "_llcray/quarantine"
UNFINISHED = "_llcray/unfinished"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COMMIT_FILE = re.compile(r"t-([A-Za-z0-9_-]{1,64})\.g([0-9]+)\.parquet")
DRAWS_FILE = re.compile(r"c-([A-Za-z0-9_-]{1,64})\.g([0-9]+)-[0-9a-f]{12}\.parquet")
SEGMENT_FILE = re.compile(r"seg-[0-9a-f]{16}\.parquet")
MANIFEST_FILE = re.compile(r"([0-9]{12})\.json")
ARTIFACT_FILE = re.compile(r"([A-Za-z0-9_-]{1,64})-[0-9a-f]{12}\.safetensors")


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


def draws_name(run_id: str, generation: int, digest: str) -> str:
    """Return the name of the draws file of a run; `digest` is the SHA-256 of its bytes."""
    return f"c-{run_id}.g{generation}-{digest[:12]}.parquet"


def segment_name(digest: str) -> str:
    """Return the name of a segment; `digest` is the SHA-256 of its bytes."""
    return f"seg-{digest[:16]}.parquet"


def artifact_path(target_id: str, digest: str) -> str:
    """Return the path of a target's arrays; `digest` is that of their content."""
    return f"targets/{target_id[:2]}/{target_id}-{digest[:12]}.safetensors"
