"""Verifies that every part of a dataset is there and is what was written; with repair, says what to run again.

By default every manifest and commit is read (with page checksums), and sizes, names, keys and references are compared.
A deep verification also compares the hash of every segment, draws file and artifact, and the logical digest of every
run's draws.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from llcray_storage.errors import ObjectMissingError, StorageError
from llcray_storage.files.arrays import from_bytes
from llcray_storage.files.encode import UNREADABLE
from llcray_storage.files.scan import scan_files
from llcray_storage.maintain.repair import digests_by_run, rebuild
from llcray_storage.read import scan_runs, scan_targets
from llcray_storage.schema.tables import DRAWS, RUNS, Table
from llcray_storage.state.commits import details_problem, whole_commit
from llcray_storage.state.manifest import Manifest, load_newest_manifest
from llcray_storage.state.renames import note_of_rename, unfinished_renames
from llcray_storage.state.segments import read_segment, segment_path
from llcray_storage.state.snapshot import commits_among, known_sweeps, stray_folders, take_snapshot
from llcray_storage.state.stages import all_stages_keys, stages_problem
from llcray_storage.store.layout import (
    ARTIFACT_FILE,
    COMMIT_FILE,
    DRAWS_FILE,
    SEGMENT_FILE,
    TARGET_PARTITION,
    TMP,
    Partition,
    sweep_partition,
)
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import ObjectStore, quarantine
from llcray_storage.store.settings import Root


@dataclass(frozen=True)
class Finding:
    """A finding: one file or row that is not as it should be.

    Attributes:
        kind: `damaged`, `missing` or `duplicate` where something is lost or counted wrong; `dangling`, `orphan`,
            `unfinished` or `unknown` for a remark.
        path: Path of the file or folder.
        problem: The problem in words.
        ids: Ids of the runs or targets concerned, as far as known.
    """

    kind: str
    path: str
    problem: str
    ids: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether something is lost or counted wrong."""
        return self.kind in ("damaged", "missing", "duplicate")


@dataclass(frozen=True)
class Report:
    """The outcome of a verification.

    Attributes:
        findings: All findings, as they were before repair.
        quarantined: Where repair put damaged files.
        rerun: By sweep, the runs that repair gave up; running the sweep again computes them.
        rebuild: Targets whose artifact repair gave up; the next sweep that needs them builds them.
    """

    findings: tuple[Finding, ...]
    quarantined: tuple[str, ...]
    rerun: dict[str, tuple[str, ...]]
    rebuild: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was lost or counted wrong."""
        return not any(finding.is_error for finding in self.findings)


def verify(root: Root, deep: bool = False, repair: bool = False) -> Report:
    """Verify a dataset.

    Args:
        root: Path, URI or profile of the dataset.
        deep: Also read and hash every byte.
        repair: Move damaged files to quarantine, keep whole rows, and list what to run again.

    Raises:
        StorageError: There is no dataset, or storage cannot be read (with repair: written).
    """
    store = open_existing(root)
    findings: list[Finding] = []
    quarantined: list[str] = []
    rerun: dict[str, tuple[str, ...]] = {}
    findings.extend(Finding("unknown", path, "no sweep has such a name; move it away") for path in stray_folders(store))
    sweeps = known_sweeps(store)
    for partition in [*map(sweep_partition, sweeps), TARGET_PARTITION]:
        in_partition = list(_check_partition(store, partition, deep))
        findings.extend(in_partition)
        if repair and any(finding.is_error for finding in in_partition):
            repaired = rebuild(store, partition)
            quarantined.extend(repaired.quarantined)
            if partition.sweep is not None and repaired.lost:
                rerun[partition.sweep] = repaired.lost
    rebuild_ids: list[str] = []
    if repair or not any(finding.is_error for finding in findings):
        # Artifacts and references are compared with rows, so the rows have to be readable.
        artifacts = list(_check_artifacts(store, root, deep))
        findings.extend([*artifacts, *_check_references(root, sweeps)])
        if repair:
            lost = [finding for finding in artifacts if finding.is_error]
            quarantined.extend(quarantine(store, finding.path) for finding in lost if finding.kind == "damaged")
            rebuild_ids.extend(identity for finding in lost for identity in finding.ids)
    stages = list(_check_stages(store))
    findings.extend(stages)
    if repair:
        quarantined.extend(quarantine(store, finding.path) for finding in stages if finding.is_error)
    findings.extend(Finding("orphan", f"{TMP}/{name}", "left by a killed writer") for name in store.names(TMP))
    findings.extend(_check_renames(store))
    return Report(tuple(findings), tuple(quarantined), rerun, tuple(rebuild_ids))


def _check_partition(store: ObjectStore, partition: Partition, deep: bool) -> Iterator[Finding]:
    try:
        manifest = load_newest_manifest(store, partition)
    except StorageError as error:
        yield Finding("damaged", partition.manifests, str(error))
        return
    yield from _check_names(store, partition, manifest)
    broken = list(_check_segments(store, partition, manifest, deep))
    yield from broken
    yield from _check_hot(store, partition)
    if not broken:
        yield from _check_keys(store, partition, manifest, deep)


def _check_names(store: ObjectStore, partition: Partition, manifest: Manifest) -> Iterator[Finding]:
    named = {segment.name for segment in manifest.segments}
    folders = [(partition.folder, COMMIT_FILE)]
    if partition.details is not None:
        folders.append((partition.details_folder, DRAWS_FILE))
    for folder, pattern in folders:
        for name in store.names(folder):
            if SEGMENT_FILE.fullmatch(name):
                if name not in named:
                    yield Finding("orphan", f"{folder}/{name}", "a segment no manifest names (vacuum removes it)")
            elif not pattern.fullmatch(name):
                yield Finding("unknown", f"{folder}/{name}", "not a file of the dataset; readers ignore it")


def _check_segments(store: ObjectStore, partition: Partition, manifest: Manifest, deep: bool) -> Iterator[Finding]:
    sizes: dict[str, int] = {}
    for table in _tables(partition):
        folder = partition.folder_of(table)
        sizes |= {f"{folder}/{entry.name}": entry.size for entry in store.entries(folder)}
    for segment in manifest.segments:
        path = segment_path(partition, segment)
        if path not in sizes:
            yield Finding("missing", path, f"the manifest names it; {segment.num_rows} rows are lost")
        elif sizes[path] != segment.size:
            yield Finding("damaged", path, f"{sizes[path]} bytes instead of {segment.size}")
        elif deep:
            table = next(table for table in _tables(partition) if table.name == segment.table)
            try:
                read_segment(store, partition, table, segment)
            except (StorageError, *UNREADABLE) as error:
                yield Finding("damaged", path, str(error).splitlines()[0])


def _check_hot(store: ObjectStore, partition: Partition) -> Iterator[Finding]:
    """Check every commit on disk, whether or not a segment holds its row by now."""
    live = _live_names(store, partition)
    for name, identity in commits_among(store.names(partition.folder)).select("name", "id").iter_rows():
        path = f"{partition.folder}/{name}"
        try:
            rows = whole_commit(partition.table, name, store.get(path))
        except ObjectMissingError:
            continue
        if rows is None:
            yield Finding("damaged", path, "not the commit its name says", (identity,))
        elif name in live and (problem := details_problem(store, partition, rows)) is not None:
            yield Finding("missing" if "missing" in problem else "damaged", path, problem, (identity,))


def _live_names(store: ObjectStore, partition: Partition) -> set[str]:
    """Return the names of the hot commits that count; none where damage hides which."""
    try:
        return set(take_snapshot(store, partition).hot["name"])
    except StorageError:
        return set()


def _check_keys(store: ObjectStore, partition: Partition, manifest: Manifest, deep: bool) -> Iterator[Finding]:
    """Check that segments hold every id once, and the draws of every run."""
    key = partition.table.key
    columns = [key, "generation", *(["draws_digest"] if partition.details is not None else [])]
    commits = _key_columns(store, partition, manifest, partition.table, columns)
    duplicated = commits.filter(pl.col(key).is_duplicated())[key].unique().sort()
    for identity in duplicated:
        yield Finding("duplicate", partition.folder, f"'{identity}' lies in segments twice", (identity,))
    if partition.details is None:
        return
    drawn = _key_columns(store, partition, manifest, DRAWS, ["run_id", "generation"]).unique()
    expected = commits.filter(pl.col("draws_digest").is_not_null())
    lost = expected.join(drawn, on=["run_id", "generation"], how="anti")["run_id"].sort()
    for identity in lost:
        yield Finding(
            "missing", partition.details_folder, f"the draws of run '{identity}' are in no segment", (identity,)
        )
    for identity in drawn.join(commits, on=["run_id", "generation"], how="anti")["run_id"].unique().sort():
        yield Finding(
            "orphan", partition.details_folder, f"draws of run '{identity}', which no segment has", (identity,)
        )
    if deep:
        yield from _check_digests(
            store, partition, manifest, dict(expected.select("run_id", "draws_digest").iter_rows())
        )


def _check_digests(
    store: ObjectStore, partition: Partition, manifest: Manifest, expected: dict[str, str]
) -> Iterator[Finding]:
    for segment in manifest.of(DRAWS):
        rows = read_segment(store, partition, DRAWS, segment)
        for run_id, digest in digests_by_run(rows).items():
            if run_id in expected and expected[run_id] != digest:
                yield Finding(
                    "damaged", segment_path(partition, segment), f"the draws of run '{run_id}' differ", (run_id,)
                )


def _key_columns(
    store: ObjectStore, partition: Partition, manifest: Manifest, table: Table, columns: list[str]
) -> pl.DataFrame:
    keys = [segment_path(partition, segment) for segment in manifest.of(table)]
    return scan_files(store, table, keys).select(columns).collect()


def _check_artifacts(store: ObjectStore, root: Root, deep: bool) -> Iterator[Finding]:
    rows = scan_targets(root).select("target_id", "artifact", "artifact_bytes", "artifact_digest").collect()
    sizes: dict[str, int] = {}
    for folder in store.folders("targets"):
        sizes |= {f"targets/{folder}/{entry.name}": entry.size for entry in store.entries(f"targets/{folder}")}
    named = set(rows["artifact"])
    for target_id, path, size, digest in rows.iter_rows():
        if path not in sizes:
            yield Finding("missing", path, "the arrays of a target", (target_id,))
        elif sizes[path] != size or (deep and from_bytes(store.get(path), digest) is None):
            yield Finding("damaged", path, "not the arrays its row says", (target_id,))
    for path in sorted(sizes.keys() - named):
        kind = "orphan" if ARTIFACT_FILE.fullmatch(path.rpartition("/")[2]) else "unknown"
        yield Finding(kind, path, "no target's row names it")


def _check_stages(store: ObjectStore) -> Iterator[Finding]:
    for path in all_stages_keys(store):
        if not COMMIT_FILE.fullmatch(path.rpartition("/")[2]):
            yield Finding("unknown", path, "not a file of the dataset; readers ignore it")
        elif (problem := stages_problem(store, path)) is not None:
            yield Finding("damaged", path, f"{problem}; `llcray stages` finds them again")


def _check_references(root: Root, sweeps: Sequence[str]) -> Iterator[Finding]:
    if not sweeps:
        return
    targets = scan_targets(root).select("target_id").collect()
    runs = pl.concat([scan_runs(root, sweep).select("sweep", "run_id", "target_id") for sweep in sweeps])
    lost = runs.drop_nulls("target_id").collect().join(targets, on="target_id", how="anti")
    for sweep, target_id, ids in (
        lost.group_by("sweep", "target_id").agg(pl.col("run_id").sort()).sort(pl.all()).iter_rows()
    ):
        yield Finding(
            "dangling", f"{RUNS.name}/sweep={sweep}", f"runs of target '{target_id}', which has no row", tuple(ids)
        )


def _tables(partition: Partition) -> tuple[Table, ...]:
    return (partition.table,) if partition.details is None else (partition.table, partition.details)


def _check_renames(store: ObjectStore) -> Iterator[Finding]:
    for new_name, sweep in unfinished_renames(store).items():
        command = shlex.join(["llcray", "rename", store.uri, sweep, new_name])
        yield Finding("unfinished", note_of_rename(new_name), f"sweep {sweep!r} is being renamed; `{command}` goes on")
