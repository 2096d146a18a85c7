"""A dataset that somebody else made cannot read, move, change or delete what lies outside of it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import pytest
from llcray_storage.errors import StorageError
from llcray_storage.files.encode import commit_bytes
from llcray_storage.schema.tables import RUNS, TARGETS
from llcray_storage.store.layout import checked_key
from llcray_storage.store.local import LocalStore
from llcray_storage.store.settings import open_store

SECRET = b"not yours"


def rewritten(table: Any, path: Path, **columns: Any) -> None:
    """Write the row of a commit again, with other columns and a valid seal."""
    import pyarrow.parquet as pq

    [row] = pq.ParquetFile(path).read().to_pylist()
    path.write_bytes(commit_bytes(table, {**row, **columns}, "forged"))


def only(root: Path, pattern: str) -> Path:
    [path] = root.glob(pattern)
    return path


def artifact_with_an_absolute_path(root: Path, victim: Path) -> None:
    rewritten(TARGETS, only(root, "targets/t-t1.*"), artifact=str(victim / "a.txt"))


def artifact_that_goes_up(root: Path, victim: Path) -> None:
    rewritten(TARGETS, only(root, "targets/t-t1.*"), artifact=f"../{victim.name}/a.txt")


def artifact_that_goes_up_within_its_folder(root: Path, victim: Path) -> None:
    rewritten(TARGETS, only(root, "targets/t-t1.*"), artifact=f"targets/../../{victim.name}/t1-{'0' * 12}.safetensors")


def draws_that_go_up(root: Path, victim: Path) -> None:
    rewritten(RUNS, only(root, "runs/sweep=s/t-r1.*"), draws_file=f"../../../{victim.name}/a.txt")


def draws_that_go_up_with_the_right_digest(root: Path, victim: Path) -> None:
    digest = hashlib.sha256(SECRET).hexdigest()
    columns = {"draws_file": f"../../../{victim.name}/a.txt", "draws_sha256": digest}
    rewritten(RUNS, only(root, "runs/sweep=s/t-r1.*"), **columns)


def draws_with_an_absolute_path(root: Path, victim: Path) -> None:
    rewritten(RUNS, only(root, "runs/sweep=s/t-r1.*"), draws_file=str(victim / "a.txt"))


def run_id_that_goes_up(root: Path, victim: Path) -> None:
    rewritten(RUNS, only(root, "runs/sweep=s/t-r1.*"), run_id=f"../../{victim.name}/a")


def sweep_that_goes_up(root: Path, victim: Path) -> None:
    rewritten(RUNS, only(root, "runs/sweep=s/t-r1.*"), sweep=f"../../{victim.name}")


def segment_that_goes_up(root: Path, victim: Path) -> None:
    ls.compact(str(root))
    [manifest] = root.glob("_llcray/manifest/sweep=s/*.json")
    body = json.loads(manifest.read_bytes())["body"]
    for segment in body["segments"]:
        segment["name"] = f"../../../{victim.name}/a.txt"
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    manifest.write_text(json.dumps({"body": body, "sha256": digest}))


def sweep_file_of_another_place(root: Path, victim: Path) -> None:
    ls.Dataset.open(str(root)).write_sweep_file(ls.SweepFile("s", "?", "name: s\n"))
    path = only(root, "sweeps/sweep=s/*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sweep": f"../../../{victim.name}"}))


def link_in_place_of(folder: str) -> Callable[[Path, Path], None]:
    def forge(root: Path, victim: Path) -> None:
        place = root / folder
        if place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(victim)

    forge.__name__ = f"link_in_place_of {folder}"
    return forge


def link_in_place_of_a_commit(root: Path, victim: Path) -> None:
    path = only(root, "runs/sweep=s/t-r1.*")
    path.unlink()
    path.symlink_to(victim / "a.txt")


def folder_that_no_sweep_can_have(root: Path, victim: Path) -> None:
    (root / "runs" / "sweep=a (copy)").mkdir()


FORGERIES = [
    artifact_with_an_absolute_path,
    artifact_that_goes_up,
    artifact_that_goes_up_within_its_folder,
    draws_that_go_up,
    draws_that_go_up_with_the_right_digest,
    draws_with_an_absolute_path,
    run_id_that_goes_up,
    sweep_that_goes_up,
    segment_that_goes_up,
    sweep_file_of_another_place,
    link_in_place_of_a_commit,
    folder_that_no_sweep_can_have,
    *map(
        link_in_place_of,
        ["_llcray/tmp", "_llcray/unfinished/r1", "_llcray/quarantine", "targets/aa", "draws/sweep=s", "runs/sweep=s"],
    ),
]

OPERATIONS: dict[str, Callable[[str, str], object]] = {
    "import": lambda root, mine: ls.import_dataset(root, mine),
    "verify": lambda root, mine: ls.verify(root, deep=True),
    "repair": lambda root, mine: ls.verify(root, deep=True, repair=True),
    "read_target": lambda root, mine: ls.Dataset.open(root).read_target("t1"),
    "write_target": lambda root, mine: ls.Dataset.open(root).write_target({"target_id": "t1"}, {"w": np.ones(3)}),
    "gc": lambda root, mine: ls.gc(root, unused_seconds=-60.0),
    "compact": lambda root, mine: ls.compact(root, grace_seconds=-60.0),
    "vacuum": lambda root, mine: ls.vacuum(root, grace_seconds=-60.0),
    "drop_unfinished": lambda root, mine: ls.Dataset.open(root).drop_unfinished("r1"),
    "finished": lambda root, mine: ls.Dataset.open(root).finished("s"),
    "draws": lambda root, mine: ls.scan_draws(root).collect(),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Files of the reader's outside of the dataset, one of each name that a dataset's own files have."""
    folder = tmp_path / "victim"
    folder.mkdir()
    names = ("a.txt", "000000000001-" + "0" * 16, f"t1-{'0' * 12}.safetensors", "c-r1.g1-" + "0" * 12 + ".parquet")
    for name in (*names, "t-r1.g1.parquet", f"seg-{'0' * 16}.parquet"):
        (folder / name).write_bytes(SECRET)
    return folder


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("genuine") / "results"
    dataset = ls.Dataset.create_or_open(str(root))
    for run_id in ("r1", "r2"):
        row = {"run_id": run_id, "target_id": "t1", "sweep": "s", "status": "done", "llc": 1.5}
        dataset.write_run(row, [{"chain": chain, "n_beta": 10.0, "centered_loss": np.ones(20)} for chain in (0, 1)])
    dataset.write_target({"target_id": "t1"}, {"w": np.ones(3)})
    dataset.keep_unfinished("r1", b"state")
    return root


@pytest.fixture
def foreign(genuine: Path, tmp_path: Path) -> Path:
    return shutil.copytree(genuine, tmp_path / "foreign")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_nothing_outside_of_a_dataset_is_touched(foreign, victim, tmp_path, forge, operation):
    forge(foreign, victim)
    before = contents(victim)
    try:
        OPERATIONS[operation](str(foreign), str(tmp_path / "mine"))
    except StorageError as error:
        assert str(error)
    except Exception as error:
        # Lazy frames are collected by their reader; everything else says what is wrong in words of its own.
        assert operation == "draws", repr(error)
    assert contents(victim) == before
    everything = [path for path in tmp_path.rglob("*") if path.is_file() and victim not in path.parents]
    copied = [path for path in everything if not path.is_symlink() and path.read_bytes() == SECRET]
    assert not [path for path in copied if victim not in path.resolve().parents]


@pytest.mark.parametrize("forge", FORGERIES[:10], ids=lambda forge: forge.__name__)
def test_an_import_changes_nothing_at_its_source_and_takes_the_runs_that_are_whole(foreign, victim, tmp_path, forge):
    forge(foreign, victim)
    before = contents(foreign)
    imported = ls.import_dataset(str(foreign), str(tmp_path / "mine"))
    assert contents(foreign) == before
    runs = set(ls.scan_runs(str(tmp_path / "mine")).collect()["run_id"])
    assert runs == (set() if forge is segment_that_goes_up else {"r2"} if "draws" in forge.__name__ else runs)
    assert imported.left or forge is sweep_file_of_another_place
    assert ls.verify(str(tmp_path / "mine"), deep=True).ok


def test_one_damaged_target_costs_an_import_that_target_alone(foreign, tmp_path):
    ls.Dataset.open(str(foreign)).write_target({"target_id": "t2"}, {"w": np.zeros(3)})
    path = only(foreign, "targets/t1/*.safetensors")
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    before = contents(foreign)
    imported = ls.import_dataset(str(foreign), str(tmp_path / "mine"))
    assert (imported.num_runs, imported.num_targets, len(imported.left)) == (2, 1, 1)
    assert "'t1'" in imported.left[0]
    assert contents(foreign) == before


def test_a_damaged_segment_costs_an_import_its_sweep_alone(foreign, tmp_path, new_row):
    ls.Dataset.open(str(foreign)).write_run(new_row("r9", sweep="other"))
    ls.compact(str(foreign), "s")
    path = next(iter(sorted(foreign.glob("runs/sweep=s/seg-*"))))
    path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    imported = ls.import_dataset(str(foreign), str(tmp_path / "mine"))
    assert imported.num_runs == 1 and len(imported.left) == 1 and "runs/sweep=s" in imported.left[0]


def test_a_target_whose_artifact_has_a_strange_name_is_built_again(foreign, victim):
    artifact_that_goes_up(foreign, victim)
    dataset = ls.Dataset.open(str(foreign))
    assert dataset.read_target("t1") is None
    assert dataset.write_target({"target_id": "t1"}, {"w": np.ones(3)}).generation in (1, 2)


def test_a_folder_that_no_sweep_can_have_is_named_with_its_path(foreign, victim):
    folder_that_no_sweep_can_have(foreign, victim)
    with pytest.raises(StorageError, match=r"foreign/runs/sweep=a \(copy\)' is no sweep.*Move the folder away"):
        ls.scan_runs(str(foreign))
    report = ls.verify(str(foreign))
    assert [found.path for found in report.findings if found.kind == "unknown"] == ["runs/sweep=a (copy)"]


PATHS = {
    "runs/sweep=s/t-r1.g1.parquet": True,
    "llcray.json": True,
    "targets/aa/one more: name.safetensors": True,
    "/etc/passwd": False,
    "../x": False,
    "runs/../../x": False,
    "runs//x": False,
    "runs/./x": False,
    "": False,
    "C:/x": False,
    "runs\\..\\x": False,
    "runs/x\0": False,
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_stays_inside_the_dataset(path, tmp_path):
    local, memory = LocalStore(tmp_path), open_store("memory://foreign")
    if PATHS[path]:
        assert checked_key(path) == path
        return
    for store in (local, memory):
        for use in (store.get, store.delete, store.scan_source, lambda key, store=store: store.put_if_absent(key, b"")):
            with pytest.raises(StorageError, match=r"leads out of the dataset"):
                use(path)


@pytest.mark.parametrize("folder", ["runs", "draws", "targets"])
def test_a_folder_that_leads_elsewhere_is_refused_before_any_work(tmp_path, folder):
    """Workers found it out one by one, after each had computed its run."""
    root = tmp_path / "results"
    ls.Dataset.create_or_open(str(root))
    (tmp_path / "elsewhere").mkdir()
    (root / folder).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ls.StorageError, match=f"{folder}' leads out of the dataset by a link"):
        ls.Dataset.create_or_open(str(root))
