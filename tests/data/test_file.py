from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from llcray.data import File
from llcray.variant import content_id


@pytest.fixture
def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "a": rng.standard_normal(20),
            "b": rng.standard_normal(20),
            "y": rng.standard_normal(20),
            "name": ["u", "v"] * 10,
        }
    )


def load(data: File):
    return data.load(np.random.default_rng(0))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_of_a_table_become_inputs_and_numbers(table: pl.DataFrame, tmp_path: Path, suffix: str):
    path = tmp_path / f"t.{suffix}"
    table.write_csv(path) if suffix == "csv" else table.write_parquet(path)
    split = load(File(path=path, targets=("y",), predict="numbers", test_fraction=0.25))
    assert (split.train.x.shape, split.test.y.shape, split.num_outputs) == ((15, 2), (5, 1), 1)
    whole = np.concatenate([split.train.x, split.test.x])
    np.testing.assert_allclose(np.sort(whole[:, 0]), np.sort(table["a"].to_numpy()))


def test_text_labels_are_classes_in_sorted_order(table: pl.DataFrame, tmp_path: Path):
    table.write_csv(tmp_path / "t.csv")
    data = File(path=tmp_path / "t.csv", inputs=("b", "a"), targets=("name",), predict="classes", test_fraction=0.0)
    split = load(data)
    assert split.num_outputs == 2 and split.train.y.dtype == np.int32
    first = table.filter(pl.col("b") == split.train.x[0, 0])["name"].item()
    assert split.train.y[0] == ["u", "v"].index(first)


def test_arrays_of_images_keep_their_shape(tmp_path: Path):
    np.savez(tmp_path / "t.npz", images=np.zeros((10, 4, 4, 1)), label=np.arange(10) % 3)
    data = File(path=tmp_path / "t.npz", inputs=("images",), targets=("label",), predict="classes")
    assert load(data).train.x.shape == (8, 4, 4, 1)


def test_the_id_follows_the_bytes_and_not_the_place(table: pl.DataFrame, tmp_path: Path):
    (tmp_path / "moved").mkdir()
    for place in ("t.csv", "moved/t.csv"):
        table.write_csv(tmp_path / place)
    table[1:].write_csv(tmp_path / "other.csv")
    ids = [
        content_id(File(path=tmp_path / place, targets=("y",), predict="numbers"))
        for place in ("t.csv", "moved/t.csv", "other.csv")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_a_file_that_changed_after_planning_is_refused(table: pl.DataFrame, tmp_path: Path):
    table.write_csv(tmp_path / "t.csv")
    data = File(path=tmp_path / "t.csv", targets=("y",), predict="numbers")
    table[1:].write_csv(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="changed"):
        load(data)


def test_missing_files_columns_and_values_are_named(table: pl.DataFrame, tmp_path: Path):
    with pytest.raises(ValidationError, match="no file"):
        File(path=tmp_path / "none.csv", targets=("y",), predict="numbers")
    with pytest.raises(ValidationError, match=r"\.npz, \.parquet, \.csv"):
        File(path=tmp_path / "t.xls", targets=("y",), predict="numbers")
    table.with_columns(pl.when(pl.col("a") > 0).then("a").alias("a")).write_csv(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="missing values"):
        load(File(path=tmp_path / "t.csv", targets=("y",), predict="numbers"))
    with pytest.raises(ValueError, match="has no z"):
        load(File(path=tmp_path / "t.csv", targets=("z",), predict="numbers"))
    with pytest.raises(ValueError, match="are not numbers"):
        load(File(path=tmp_path / "t.csv", inputs=("name",), targets=("y",), predict="numbers"))
