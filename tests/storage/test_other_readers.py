"""DuckDB, pandas and plain polars read the same files."""

from pathlib import Path

import pandas as pd
import polars as pl
import pytest


@pytest.fixture
def files(dataset, root, new_row, new_chains) -> str:
    for n in range(5):
        dataset.write_run(new_row(f"r{n}", llc=float(n), architecture_widths=[4, 8]), new_chains(seed=n))
    return root


def test_duckdb_reads_runs_and_draws(files):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with duckdb.connect() as connection:
        runs = f"read_parquet('{files}/runs/*/*.parquet', hive_partitioning=true, union_by_name=true)"
        assert connection.sql(f"SELECT sweep, SUM(llc) FROM {runs} GROUP BY sweep").fetchall() == [("s", 10.0)]
        draws = f"read_parquet('{files}/draws/*/*.parquet')"
        lengths = connection.sql(f"SELECT DISTINCT len(centered_loss) FROM {draws} WHERE run_id = 'r3'").fetchall()
        assert lengths == [(20,)]


def test_pandas_reads_runs_and_draws(files):
    runs = pd.read_parquet(Path(files) / "runs", partitioning=None)
    assert sorted(runs["llc"]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert list(runs["architecture_widths"].iloc[0]) == [4, 8]
    draws = pd.read_parquet(Path(files) / "draws", partitioning=None)
    assert draws["centered_loss"].map(len).tolist() == [20] * 10


def test_a_raw_glob_works_for_a_look(files):
    look = pl.scan_parquet(f"{files}/runs/**/*.parquet").unique("run_id").collect()
    assert look.height == 5
