"""Readers get a fixed schema whatever lies on disk, and one line when something is wrong."""

import os
from pathlib import Path

import llcray_storage as ls
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from llcray_storage.schema.tables import DRAWS, RUNS, TABLES, TARGETS, axis_column_names


def test_an_empty_dataset_has_the_full_schema(dataset, root):
    assert ls.scan_runs(root).collect_schema() == RUNS.polars
    assert ls.scan_draws(root).collect().schema == DRAWS.polars
    assert ls.scan_targets(root).collect().schema == TARGETS.polars
    assert ls.finished(root, "nothing_here") == {}


def test_a_folder_without_a_dataset_is_said_to_be_none(tmp_path):
    with pytest.raises(ls.StorageError, match=r"no dataset at"):
        ls.scan_runs(tmp_path)


def test_a_sweep_can_be_read_alone(dataset, root, new_row):
    for sweep in ("one", "two"):
        dataset.write_run(new_row(sweep=sweep))
    assert ls.scan_runs(root, sweep="two").collect()["sweep"].to_list() == ["two"]
    assert ls.scan_runs(root).collect().height == 2


def _rewrite(path: Path, change) -> None:
    table = change(pq.ParquetFile(path).read())
    path.unlink()
    pq.write_table(table, path)


def test_columns_added_later_read_as_null_in_old_files(dataset, root, new_row):
    for run_id in ("old", "new"):
        dataset.write_run(new_row(run_id))
    _rewrite(next(Path(root).glob("runs/*/t-old*")), lambda table: table.drop_columns(["llc", "seed"]))
    read = ls.scan_runs(root).collect()
    assert read.schema == RUNS.polars
    assert dict(read.select("run_id", "llc").iter_rows()) == {"old": None, "new": 1.5}
    ls.compact(root)
    assert dict(ls.scan_runs(root).select("run_id", "llc").collect().iter_rows()) == {"old": None, "new": 1.5}


def test_columns_of_a_newer_writer_are_left_out_and_narrow_types_are_widened(dataset, root, new_row):
    for run_id in ("older", "newer"):
        dataset.write_run(new_row(run_id, num_params=7))

    def change(table: pa.Table) -> pa.Table:
        narrow = table.column("num_params").cast(pa.int32())
        table = table.set_column(table.schema.get_field_index("num_params"), "num_params", narrow)
        return table.append_column("column_of_tomorrow", pa.array(["x"]))

    _rewrite(next(Path(root).glob("runs/*/t-newer*")), change)
    read = ls.scan_runs(root).collect()
    assert read.schema == RUNS.polars
    assert read["num_params"].to_list() == [7, 7]
    ls.compact(root)
    assert ls.scan_runs(root).collect()["num_params"].to_list() == [7, 7]


def test_files_that_are_none_of_ours_are_not_read(dataset, root, new_row):
    dataset.write_run(new_row())
    folder = Path(root) / "runs" / "sweep=s"
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "t-r2.g1.parquet.tmp").write_bytes(b"")
    (folder / "copy of t-r1.g1.parquet").write_bytes(b"PAR1")
    (Path(root) / "runs" / "notes").mkdir()
    assert ls.finished(root, "s") == {"r1": "done"}
    assert ls.scan_runs(root).collect().height == 1


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 1000])
def test_a_torn_commit_is_an_error_that_names_the_remedy_and_never_a_silent_gap(dataset, root, new_row, content):
    dataset.write_run(new_row())
    next(Path(root).glob("runs/*/t-r1*")).write_bytes(content)
    with pytest.raises(ls.StorageError, match=r"(?s)^[^\n]*verify [^\n]*--repair[^\n]*$"):
        ls.finished(root, "s")


STRANGE = {
    "a table of others under a commit's name": lambda folder: pl.DataFrame({"a": [1]}).write_parquet(
        folder / "t-zz.g1.parquet"
    ),
    "a folder under a commit's name": lambda folder: (folder / "t-zz.g1.parquet").mkdir(),
    "a pipe under a commit's name": lambda folder: os.mkfifo(folder / "t-zz.g1.parquet"),
    "a link in a circle": lambda folder: (folder / "t-zz.g1.parquet").symlink_to(folder / "t-zz.g1.parquet"),
    "a name in no encoding": lambda folder: Path(os.fsdecode(os.fsencode(folder) + b"/t-\xff.g1.parquet")).touch(),
    "a folder of a desktop": lambda folder: (folder / ".DS_Store").touch(),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_else_lies_beside_the_commits_changes_nothing(dataset, root, new_row, name):
    """Foreign tables were read as rows of nulls, on which reports ended; circles and odd names ended every command."""
    dataset.write_run(new_row("a"))
    STRANGE[name](Path(root) / "runs" / "sweep=s")
    assert ls.scan_runs(root).select("run_id", "sweep").collect().rows() == [("a", "s")]
    assert ls.sql(root, "SELECT run_id FROM runs")["run_id"].to_list() == ["a"]
    assert ls.generations(root, "s")["a"] == 1
    ls.verify(root)
    ls.compact(root)
    ls.rename_sweep(root, "s", "t")
    assert ls.finished(root, "t") == {"a": "done"}


def test_draws_of_one_run_are_read_from_its_files_only(dataset, root, new_row, new_chains):
    for n in range(3):
        dataset.write_run(new_row(f"r{n}"), new_chains(seed=n))
    next(Path(root).glob("draws/*/c-r2*")).write_bytes(b"torn")
    assert ls.scan_draws(root, run_id="r1").collect()["run_id"].to_list() == ["r1", "r1"]


def test_a_draw_becomes_a_row_in_the_long_view(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(), new_chains(num_draws=5))
    long = ls.scan_draws_long(root, run_id="r1").collect().sort("chain", "draw")
    assert long.select("chain", "draw").rows() == [(chain, draw) for chain in range(2) for draw in range(5)]
    losses = [chain["centered_loss"] for chain in new_chains(num_draws=5)]
    assert (long["n_beta"] * long["centered_loss"]).mean() == pytest.approx(10.0 * np.mean(losses), rel=1e-6)
    assert long["energy"].is_null().all()


def test_sql_sees_every_table(dataset, root, new_row, new_chains):
    dataset.write_run(new_row(sampler_kind="hmc", target_id="t1"), new_chains())
    dataset.write_target({"target_id": "t1", "num_params": 12}, {})
    answer = ls.sql(root, "SELECT r.sampler_kind, t.num_params FROM runs r JOIN targets t ON r.target_id = t.target_id")
    assert answer.rows() == [("hmc", 12)]
    assert ls.sql(root, "SELECT COUNT(*) AS n FROM draws_long")["n"].to_list() == [40]
    assert ls.sql(root, "SELECT COUNT(*) AS n FROM draws")["n"].to_list() == [2]


@pytest.mark.parametrize("query", ["SELEC llc FROM runs", "SELECT nothing FROM runs", "SELECT 1 FROM elsewhere"])
def test_a_query_that_is_not_understood_is_one_line(dataset, root, query):
    with pytest.raises(ls.StorageError, match=r"(?s)^query [^\n]*failed[^\n]*Tables: runs[^\n]*$"):
        ls.sql(root, query)


STAGE = {"series_id": "r", "stage": 0}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_says_its_unit_and_meaning_in_every_file(dataset, root, new_row, new_chains, table):
    dataset.write_run(new_row(), new_chains())
    dataset.write_target({"target_id": "t1"}, {})
    dataset.write_stages("a", "llc", "stages", [STAGE])
    small = next(Path(root).glob(f"{table.name}/**/[tc]-*.parquet"))
    ls.compact(root)
    for path in (small, *Path(root).glob(f"{table.name}/**/seg-*.parquet")):
        schema = pq.read_schema(path)
        assert schema.names == [column.name for column in table.columns]
        for column in table.columns:
            assert schema.field(column.name).metadata == {
                b"unit": column.unit.encode(),
                b"meaning": column.meaning.encode(),
            }
            assert column.meaning.endswith(".")


def test_names_are_unique_and_axes_are_columns_of_runs():
    for table in TABLES:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
    assert set(axis_column_names()) <= set(RUNS.by_name)
    assert {"architecture_activation", "noise_kind", "sampler_kind", "component", "step", "seed"} <= set(
        axis_column_names()
    )


def test_two_columns_of_one_name_in_two_tables_mean_the_same():
    for name in set(RUNS.by_name) & set(TARGETS.by_name) - {"generation"}:
        assert RUNS.by_name[name].unit == TARGETS.by_name[name].unit
        assert RUNS.by_name[name].type == TARGETS.by_name[name].type


def test_filters_prune_segments_by_their_statistics(dataset, root, new_row):
    """Rows are sorted by sampler, so that a row group holds few samplers."""
    for n in range(4):
        dataset.write_run(new_row(f"r{n}", sampler_kind=("sgld", "hmc")[n % 2]))
    ls.compact(root)
    rows = pq.ParquetFile(next(Path(root).glob("runs/*/seg-*"))).read()
    assert rows.column("sampler_kind").to_pylist() == ["hmc", "hmc", "sgld", "sgld"]
    assert pl.scan_parquet(f"{root}/runs/**/seg-*.parquet").collect().height == 4


def _as_before(table: pa.Table) -> pa.Table:
    """The table as an older version wrote it, which said `ok` for work that was done."""
    place = table.column_names.index("status")
    texts = ["ok" if status == "done" else status for status in table.column("status").to_pylist()]
    return table.set_column(place, table.schema.field(place), pa.array(texts))


def test_older_files_that_call_done_work_ok_read_as_done(dataset, root, new_row):
    """`ok` is a verdict; the status of work is done or failed, also where an older version wrote it."""
    chain = {"chain": 0, "centered_loss": np.ones(3)}
    dataset.write_run(new_row("a"), [chain, {**chain, "chain": 1, "status": "failed"}])
    dataset.write_run(new_row("b", status="failed", llc=None))
    for path in (*Path(root).glob("runs/*/t-*"), *Path(root).glob("draws/*/c-*")):
        _rewrite(path, _as_before)
    assert ls.finished(root, "s") == {"a": "done", "b": "failed"}
    assert ls.scan_draws(root).sort("chain").collect()["status"].to_list() == ["done", "failed"]
    assert ls.sql(root, "SELECT run_id FROM runs WHERE status = 'done'")["run_id"].to_list() == ["a"]
    assert ls.scan_runs(root).filter(pl.col("status") == "done").collect()["run_id"].to_list() == ["a"]
    assert not dataset.write_run(new_row("a", status="failed", llc=None)).created
    assert dataset.write_run(new_row("b")).created


def test_a_writer_that_still_says_ok_writes_done(dataset, root, new_row):
    dataset.write_run(new_row("a", status="ok"))
    assert ls.scan_runs(root, latest=False).collect()["status"].to_list() == ["done"]
    assert dataset.finished("s") == {"a": "done"}
