"""Writes the stages found along training: those of one metric and method of a sweep together, in one file."""

from collections.abc import Mapping, Sequence
from typing import Any

from llcray_storage.errors import StorageError
from llcray_storage.files.encode import commit_rows_bytes, new_nonce
from llcray_storage.schema.tables import SCHEMA_VERSION, STAGES
from llcray_storage.state.stages import (
    highest_generation,
    live_stages_keys,
    stages_folder,
    stages_problem,
    sweeps_with_stages,
)
from llcray_storage.store.layout import COMMIT_FILE, checked_id
from llcray_storage.store.objects import ObjectStore
from llcray_storage.write.commit import WriteOutcome


def commit_stages(
    store: ObjectStore, sweep: str, metric: str, method: str, rows: Sequence[Mapping[str, Any]]
) -> WriteOutcome:
    """Write all stages of one metric and method, in the place of those found before.

    Raises:
        StorageError: A row is refused, or storage cannot be written.
    """
    folder, identity = stages_folder(sweep), checked_id(f"{metric}-{method}")
    if not rows:
        raise StorageError(f"no stages of '{metric}' were given for sweep '{sweep}': there is nothing to write.")
    nonce = new_nonce()
    while True:
        generation = highest_generation(store, sweep, identity) + 1
        own = {"analysis_id": identity, "sweep": sweep, "metric": metric, "method": method, "generation": generation}
        own |= {"nonce": nonce, "schema_version": SCHEMA_VERSION}
        data = commit_rows_bytes(STAGES, [{**row, **own} for row in rows], nonce)
        if store.put_if_absent(f"{folder}/t-{identity}.g{generation}.parquet", data):
            return WriteOutcome(identity, generation, created=True)


def import_stages(source: ObjectStore, destination: ObjectStore) -> list[str]:
    """Copy the whole files of stages whose generation is higher at the source; returns what is wrong with others."""
    problems = []
    for sweep in sweeps_with_stages(source):
        for key in live_stages_keys(source, sweep):
            match = COMMIT_FILE.fullmatch(key.rpartition("/")[2])
            if match is not None and int(match[2]) > highest_generation(destination, sweep, match[1]):
                problem = stages_problem(source, key)
                if problem is None:
                    destination.put_if_absent(key, source.get(key))
                else:
                    problems.append(f"{key}: {problem}")
    return problems
