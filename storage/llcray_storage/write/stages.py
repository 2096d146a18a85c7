"""Stages found along training: a sweep's rows of one metric and method are written, and replaced, as a whole.

stages/sweep=S/t-<metric>-<method>.g<generation>.parquet: few files, never compacted; the highest generation counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import UNREADABLE, commit_rows_bytes, is_intact, new_nonce, read_parquet
from llcray_storage.files.scan import scan_files
from llcray_storage.read import opened
from llcray_storage.schema.tables import SCHEMA_VERSION, STAGES
from llcray_storage.state.snapshot import hot_frame
from llcray_storage.store.layout import HOT, checked_id, sweep_partition
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root
from llcray_storage.write.commit import WriteOutcome

Row = Mapping[str, Any]


def scan_stages(root: Root, sweep: str | None = None) -> pl.LazyFrame:
    """One row a stage; `series_id` joins it with `scan_runs`.

    Raises:
        StorageError: There is no dataset.
    """
    store = opened(root)
    return scan_files(store, STAGES, [key for name in _sweeps(store, sweep) for key in newest_keys(store, name)])


def commit_stages(store: ObjectStore, sweep: str, metric: str, method: str, rows: Sequence[Row]) -> WriteOutcome:
    """Write all stages of one metric and method, in the place of those found before.

    Raises:
        StorageError: A row is refused, or storage cannot be written.
    """
    folder, identity = stages_folder(sweep), checked_id(f"{metric}-{method}")
    if not rows:
        raise StorageError(f"no stages of '{metric}' were given for sweep '{sweep}': there is nothing to write.")
    nonce = new_nonce()
    while True:
        generation = _highest(store, sweep, identity) + 1
        own = {"analysis_id": identity, "sweep": sweep, "metric": metric, "method": method, "generation": generation}
        own |= {"nonce": nonce, "schema_version": SCHEMA_VERSION}
        data = commit_rows_bytes(STAGES, [{**row, **own} for row in rows], nonce)
        if store.put_if_absent(f"{folder}/t-{identity}.g{generation}.parquet", data):
            return WriteOutcome(identity, generation, created=True)


def newest_keys(store: ObjectStore, sweep: str) -> list[str]:
    """Paths of the files of a sweep that count."""
    found = hot_frame(store.names(stages_folder(sweep)))
    newest = found.filter(pl.col("generation") == pl.col("generation").max().over("id"))
    return [f"{stages_folder(sweep)}/{name}" for name in newest["name"].sort()]


def stages_folder(sweep: str) -> str:
    """Folder of the stages of a sweep."""
    return f"{STAGES.name}/sweep={sweep_partition(sweep).sweep}"


def stage_files(store: ObjectStore) -> list[str]:
    """Paths of all files under stages/, whatever they are."""
    return [
        f"{stages_folder(sweep)}/{name}" for sweep in _sweeps(store, None) for name in store.names(stages_folder(sweep))
    ]


def problem_of(store: ObjectStore, key: str) -> str | None:
    """What is wrong with a file of stages; None when nothing is."""
    data, name = store.get(key), key.rpartition("/")[2]
    if is_intact(data) is not True:
        return "not the bytes that were written"
    try:
        rows = read_parquet(STAGES, data)
    except UNREADABLE as error:
        return str(error).splitlines()[0]
    said = {(row["analysis_id"], row["generation"]) for row in rows.select(["analysis_id", "generation"]).to_pylist()}
    match = HOT.fullmatch(name)
    return None if match is not None and said == {(match[1], int(match[2]))} else "not the stages its name says"


def import_stages(here: ObjectStore, there: ObjectStore) -> int:
    """Copy the stages that are newer here, file by file; how many came."""
    came = 0
    for sweep in _sweeps(here, None):
        for key in newest_keys(here, sweep):
            match = HOT.fullmatch(key.rpartition("/")[2])
            if match is not None and int(match[2]) > _highest(there, sweep, match[1]):
                came += there.put_if_absent(key, here.get(key))
    return came


def _sweeps(store: ObjectStore, sweep: str | None) -> list[str]:
    if sweep is not None:
        return [sweep]
    return sorted(name.removeprefix("sweep=") for name in store.folders(STAGES.name) if name.startswith("sweep="))


def _highest(store: ObjectStore, sweep: str, identity: str) -> int:
    found = hot_frame(store.names(stages_folder(sweep))).filter(pl.col("id") == identity)["generation"].to_list()
    return max(found, default=0)
