"""Where things lie in a dataset.

llcray.json                                        format version, id, what the storage supports
runs/sweep=S/t-<run_id>.g<generation>.parquet      one run: THE COMMIT
runs/sweep=S/seg-<sha16>.parquet                   many runs, compacted
draws/sweep=S/c-<run_id>.g<generation>-<sha12>.parquet
draws/sweep=S/seg-<sha16>.parquet
targets/t-<target_id>.g<generation>.parquet        one target; seg- when compacted
targets/<aa>/<target_id>-<digest12>.safetensors    its arrays
stages/sweep=S/t-<metric>-<method>.g<generation>.parquet   all stages of a metric
sweeps/sweep=S/<12 digits>.json                    the sweep's file as it was asked, its question: newest last
_llcray/manifest/sweep=S/<12 digits>.json          which segments count; the highest number
_llcray/manifest/targets/<12 digits>.json
_llcray/unfinished/<run_id>/<12 digits>-<sha16>     what an unfinished run has so far
_llcray/{tmp,quarantine}/
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
HOT = re.compile(r"t-([A-Za-z0-9_-]{1,64})\.g([0-9]+)\.parquet")
HOT_DRAWS = re.compile(r"c-([A-Za-z0-9_-]{1,64})\.g([0-9]+)-[0-9a-f]{12}\.parquet")
SEGMENT = re.compile(r"seg-[0-9a-f]{16}\.parquet")
MANIFEST = re.compile(r"([0-9]{12})\.json")
ARTIFACT = re.compile(r"([A-Za-z0-9_-]{1,64})-[0-9a-f]{12}\.safetensors")


@dataclass(frozen=True)
class Partition:
    """What is committed and compacted as one: a sweep's runs with their draws, or all targets.

    Attributes:
        table: The table whose rows are commits.
        details: The table whose rows belong to those commits, if any.
        sweep: The sweep; None for targets.
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
        """Folder of what belongs to the commits."""
        return f"{DRAWS.name}/sweep={self.sweep}"

    @property
    def manifests(self) -> str:
        """Folder of the manifests."""
        return f"_llcray/manifest/{self.table.name if self.sweep is None else f'sweep={self.sweep}'}"

    def folder_of(self, table: Table) -> str:
        """Folder of the files of one of the partition's tables."""
        return self.folder if table is self.table else self.details_folder

    def hot(self, identity: str, generation: int) -> str:
        """Path of a commit."""
        return f"{self.folder}/t-{identity}.g{generation}.parquet"

    @property
    def spoken(self) -> str:
        """How messages name the partition."""
        return self.table.name if self.sweep is None else f"sweep '{self.sweep}'"


def sweep_partition(sweep: str) -> Partition:
    """The partition of a sweep.

    Raises:
        StorageError: The name cannot be a folder on every storage.
    """
    if not NAME.fullmatch(sweep):
        raise StorageError(
            f"sweep name {sweep!r} cannot be a folder everywhere: use letters, digits, '_', '-' and '.'."
        )
    return Partition(RUNS, DRAWS, sweep)


TARGET_PARTITION = Partition(TARGETS, None, None)


def checked_id(identity: str) -> str:
    """The id, when it can be part of a file name.

    Raises:
        StorageError: It cannot.
    """
    if not ID.fullmatch(identity):
        raise StorageError(
            f"id {identity!r} cannot be part of a file name: use at most 64 letters, digits, '_' and '-'."
        )
    return identity


def draws_name(run_id: str, generation: int, digest: str) -> str:
    """Name of the draws file of a run."""
    return f"c-{run_id}.g{generation}-{digest[:12]}.parquet"


def segment_name(digest: str) -> str:
    """Name of a segment."""
    return f"seg-{digest[:16]}.parquet"


def artifact_path(target_id: str, digest: str) -> str:
    """Path of a target's arrays."""
    return f"targets/{target_id[:2]}/{target_id}-{digest[:12]}.safetensors"
