"""Renames a sweep: its runs, draws, stages and files are copied to the new name, and removed from the old one.

    _llcray/renames/<new name>.json      which sweep is becoming the new one; there until all of it has

1. the note above;
2. stages, and the files that the sweep was run with;
3. runs with their draws, a few hundred at a time, each removed from the old name once it is whole under the new one;
4. what the old name still has, and the note.

A run has one of the two names at any time, or both while it is copied. A rename that is killed is gone on with by the
same call. Runs that somebody adds under the old name meanwhile are renamed too, or stay where they are.
"""

import json

import polars as pl

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import read_parquet
from llcray_storage.maintain.compact import compact_if_due
from llcray_storage.maintain.remove import remove_runs, remove_sweep
from llcray_storage.read import finished, require_sweep, scan_draws, scan_runs
from llcray_storage.schema.draw import DRAW_COLUMNS
from llcray_storage.schema.run import COMMIT
from llcray_storage.schema.tables import STAGES
from llcray_storage.state.lookup import SegmentLookup
from llcray_storage.state.renames import note_of_rename, unfinished_renames
from llcray_storage.state.stages import highest_generation, live_stages_keys
from llcray_storage.store.failpoints import failpoint
from llcray_storage.store.layout import sweep_partition
from llcray_storage.store.marker import open_existing
from llcray_storage.store.objects import ObjectStore
from llcray_storage.store.settings import Root
from llcray_storage.write.commit import commit_run
from llcray_storage.write.stages import commit_stages
from llcray_storage.write.sweep_files import copy_sweep_files

RUNS_AT_A_TIME = 256
ATTEMPTS = 100


def rename_sweep(root: Root, sweep: str, new_name: str) -> int:
    """Rename a sweep; returns the number of runs that got the new name.

    Raises:
        StorageError: There is no such sweep, another has the new name, or storage cannot be written.
    """
    store = open_existing(root)
    check_rename(root, sweep, new_name)
    note = note_of_rename(new_name)
    store.put_if_absent(note, json.dumps({"sweep": sweep}).encode())
    failpoint("rename.noted")
    _copy_stages(store, sweep, new_name)
    copy_sweep_files(store, sweep, new_name)
    num_renamed = 0
    for _ in range(ATTEMPTS):
        run_ids = sorted(finished(root, sweep))
        if not run_ids:
            break
        for start in range(0, len(run_ids), RUNS_AT_A_TIME):
            some = run_ids[start : start + RUNS_AT_A_TIME]
            _copy_runs(root, store, sweep, new_name, some)
            failpoint("rename.copied")
            remove_runs(root, sweep, some)
            num_renamed += len(some)
    remove_sweep(root, sweep)
    store.delete(note)
    compact_if_due(root, new_name)
    return num_renamed


def check_rename(root: Root, sweep: str, new_name: str) -> None:
    """Refuse a rename that could mix two sweeps; one that was killed can be gone on with.

    Raises:
        StorageError: There is no such sweep, or another has the new name.
    """
    store = open_existing(root)
    for name in (sweep, new_name):
        sweep_partition(name)
    if sweep == new_name:
        raise StorageError(f"sweep '{sweep}' was to be renamed to its own name: give another.")
    if unfinished_renames(store).get(new_name) == sweep:
        return
    require_sweep(root, sweep)
    if num_runs := len(finished(root, new_name)):
        raise StorageError(f"'{store.uri}' has a sweep '{new_name}' already, of {num_runs} runs: give another name.")


def _copy_runs(root: Root, store: ObjectStore, sweep: str, new_name: str, run_ids: list[str]) -> None:
    partition = sweep_partition(new_name)
    lookup = SegmentLookup(store, partition)
    is_one = pl.col("run_id").is_in(run_ids)
    rows = scan_runs(root, sweep).filter(is_one).collect().to_dicts()
    chains: dict[str, list[dict[str, object]]] = {run_id: [] for run_id in run_ids}
    for chain in scan_draws(root, sweep).filter(is_one).sort("run_id", "chain").collect().to_dicts():
        # Null columns are left out, as the run's first writer did.
        own = {column.name: chain[column.name] for column in DRAW_COLUMNS if chain[column.name] is not None}
        chains[chain["run_id"]].append(own)
    filled_at_commit = {column.name for column in COMMIT}
    for row in rows:
        copied = {name: value for name, value in row.items() if name not in filled_at_commit} | {"sweep": new_name}
        commit_run(store, partition, lookup, copied, chains[row["run_id"]])
        failpoint("rename.run_copied")


def _copy_stages(store: ObjectStore, sweep: str, new_name: str) -> None:
    own = {"analysis_id", "sweep", "metric", "method", "generation", "nonce", "schema_version"}
    for key in live_stages_keys(store, sweep):
        rows = read_parquet(STAGES, store.get(key)).to_pylist()
        first = rows[0]
        if not highest_generation(store, new_name, first["analysis_id"]):
            plain = [{name: value for name, value in row.items() if name not in own} for row in rows]
            commit_stages(store, new_name, first["metric"], first["method"], plain)
