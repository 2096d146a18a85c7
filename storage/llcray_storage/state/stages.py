"""Which files of `stages` count: of each metric and method of a sweep, the one of the highest generation.

    stages/sweep=S/t-<metric>-<method>.g<generation>.parquet

The files are few, so they are never compacted.
"""

import polars as pl

from llcray_storage.files.encode import UNREADABLE, is_intact, read_parquet
from llcray_storage.schema.tables import STAGES
from llcray_storage.state.snapshot import commits_among
from llcray_storage.store.layout import COMMIT_FILE, sweep_partition, sweeps_among
from llcray_storage.store.objects import ObjectStore


def stages_folder(sweep: str) -> str:
    """Return the folder of the stages of a sweep."""
    return f"{STAGES.name}/sweep={sweep_partition(sweep).sweep}"


def sweeps_with_stages(store: ObjectStore) -> list[str]:
    """List the sweeps that have stages."""
    return sweeps_among(store.folders(STAGES.name))[0]


def live_stages_keys(store: ObjectStore, sweep: str) -> list[str]:
    """Return the paths of the files of a sweep that count."""
    files = commits_among(store.names(stages_folder(sweep)))
    newest = files.filter(pl.col("generation") == pl.col("generation").max().over("id"))
    return [f"{stages_folder(sweep)}/{name}" for name in newest["name"].sort()]


def highest_generation(store: ObjectStore, sweep: str, identity: str) -> int:
    """Return the highest generation of a metric and method; 0 when there is none."""
    files = commits_among(store.names(stages_folder(sweep))).filter(pl.col("id") == identity)
    return max(files["generation"].to_list(), default=0)


def all_stages_keys(store: ObjectStore) -> list[str]:
    """Return the paths of all files in the folders of stages, also of those that are no stages."""
    folders = [stages_folder(sweep) for sweep in sweeps_with_stages(store)]
    return [f"{folder}/{name}" for folder in folders for name in store.names(folder)]


def stages_problem(store: ObjectStore, key: str) -> str | None:
    """Say what is wrong with a file of stages; None when nothing is."""
    data, name = store.get(key), key.rpartition("/")[2]
    if is_intact(data) is not True:
        return "not the bytes that were written"
    try:
        rows = read_parquet(STAGES, data)
    except UNREADABLE as error:
        return str(error).splitlines()[0]
    inside = {(row["analysis_id"], row["generation"]) for row in rows.select(["analysis_id", "generation"]).to_pylist()}
    match = COMMIT_FILE.fullmatch(name)
    return None if match is not None and inside == {(match[1], int(match[2]))} else "not the stages its name says"
