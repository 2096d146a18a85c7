"""Tables of users: read as they are meant, or refused in a line that names place and remedy. A case adds a line."""

import datetime
import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from llcray.data import File
from llcray.spec import SpecError, load_sweep
from llcray.targets import TrainedTarget
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


YAML = """
name: sweep
question: Does my own table work?
targets:
  - kind: trained
    data: {{kind: file, path: {path}, {data}}}
    architecture: {{kind: mlp, widths: [2]}}
    training: {{kind: adam, num_steps: 2, polish_steps: 0}}
samplers: [{{kind: sgld, step_size: 1e-5}}]
"""
ROWS = [(0.5, -1.0, 10.0, "u"), (1.5, 2.0, 20.5, "v")] * 80
DIALECTS = {
    "commas": ",".join,
    "semicolons": ";".join,
    "tabs": "\t".join,
    "bars": "|".join,
    "quotes": lambda cells: ",".join(
        f'"{cell}"' if not cell[0].isdigit() and cell[0] != "-" else cell for cell in cells
    ),
    "decimal commas": lambda cells: ";".join(cell.replace(".", ",") for cell in cells),
}


def sweep_of(folder: Path, path: Path, data: str) -> Path:
    file = folder / "sweep.yaml"
    file.write_text(YAML.format(path=f'"{path}"', data=data))
    return file


@pytest.mark.parametrize(
    "data",
    [
        "inputs: [a, b], targets: price, predict: numbers",
        "inputs: a, targets: [price], predict: numbers",
        "inputs: [a], targets: [price, b], predict: numbers",
        "targets: kind, predict: classes",
    ],
)
def test_columns_of_a_table_are_named_in_a_sweep_as_a_list_or_as_one(data: str, tmp_path: Path) -> None:
    pl.DataFrame(ROWS, schema=["a", "b", "price", "kind"], orient="row").write_csv(tmp_path / "t.csv")
    [run] = load_sweep(sweep_of(tmp_path, tmp_path / "t.csv", data)).runs
    assert isinstance(run.target, TrainedTarget) and isinstance(run.target.data, File)
    assert isinstance(run.target.data.targets, tuple) and load(run.target.data).train.x.shape[0] == 128


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("folder", ["plain", "data [v1]"])
def test_a_table_is_read_whoever_wrote_it(dialect: str, encoding: str, folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    path = tmp_path / folder / "t.csv"
    lines = [DIALECTS[dialect]([str(cell) for cell in row]) for row in (("a", "b", "price", "kind"), *ROWS)]
    path.write_text("\r\n".join(lines), encoding=encoding)
    split = load(File(path=path, inputs=("a", "b"), targets=("price",), predict="numbers", test_fraction=0.0))
    np.testing.assert_array_equal(sorted(map(tuple, split.train.x.tolist())), sorted((a, b) for a, b, _, _ in ROWS))
    assert set(split.train.y[:, 0]) == {10.0, 20.5}


@pytest.mark.parametrize("late", ["2.5", "1e-3"])
def test_a_column_of_whole_numbers_may_hold_fractions_after_many_rows(late: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 5000 + f"{late},3\n")
    split = load(File(path=tmp_path / "t.csv", targets=("y",), predict="numbers", test_fraction=0.0))
    assert split.train.x.min() == min(float(late), 1) and split.train.x.max() == max(float(late), 1)


def test_labels_that_become_text_after_many_rows_are_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "1,2\n" * 5000 + "1,two\n")
    assert load(File(path=tmp_path / "t.csv", targets=("y",), predict="classes")).num_outputs == 2


REFUSED = {
    "a misspelt column": ("a,price\n1,2\n2,3\n", "targets: prize, predict: numbers", "has no prize. It has: a, price"),
    "text among inputs": ("a,y\n1,2\nn/a,3\n", "inputs: [a], targets: y, predict: numbers", "'n/a' of example 1"),
    "text as numbers": ("a,y\n1,u\n2,v\n", "targets: y, predict: numbers", "Set predict: classes"),
    "fractions as classes": ("a,y\n1,1.5\n2,2.5\n", "targets: y, predict: classes", "Set predict: numbers"),
    "a missing value": ("a,y\n1,2\n,3\n", "targets: y, predict: numbers", "missing values, such as a of example 1"),
    "unequal rows": ("a,y\n1,2\n1,2,3,4\n", "targets: y, predict: numbers", "cannot be read as CSV"),
    "no rows": ("a,y\n", "targets: y, predict: numbers", "holds no examples"),
    "no inputs": ("y\n1\n2\n", "targets: y, predict: numbers", "no column of numbers beside y"),
    "an empty file": ("", "targets: y, predict: numbers", "cannot be read as CSV"),
    "fewer rows than asked": ("a,y\n1,2\n2,3\n", "targets: y, predict: numbers, num_data: 9", "num_data 9 is more"),
    "gzip in a csv": (gzip.compress(b"a,y\n1,2\n"), "targets: y, predict: numbers", "compressed by gzip. Unpack it"),
    "a workbook": (b"PK\x03\x04xl", "targets: y, predict: numbers", "zip archive .or a workbook of Excel."),
    "UTF-16": ("a,y\n1,2\n".encode("utf-16"), "targets: y, predict: numbers", "is in UTF-16. Save it in UTF-8"),
    "numbers with NA": (
        "a,b,y\n" + "1,2,3\n" * 9 + "1,NA,3\n",
        "targets: y, predict: numbers",
        "column b holds numbers and, in 1 of 10 examples, text, such as 'NA' of example 9",
    ),
    "row numbers of pandas": (
        ",a,y\n0,5,1\n1,6,2\n2,7,3\n",
        "targets: y, predict: numbers",
        "column '' holds the numbers of the rows, which pandas writes. Write it with index=False",
    ),
    "one class": ("a,y\n1,u\n2,u\n", "targets: y, predict: classes", "all examples are of one class, u"),
    "names as classes": ("a,y\n1,u\n2,v\n3,w\n", "targets: y, predict: classes", "a class of its own in y"),
    "the target among inputs": (
        "a,y\n1,2\n",
        "inputs: [a, y], targets: y, predict: numbers",
        "column y is named twice",
    ),
    "an input twice": ("a,y\n1,2\n", "inputs: [a, a], targets: y, predict: numbers", "column a is named twice"),
    "beyond float32": ("a,y\n1e300,2\n1,3\n", "targets: y, predict: numbers", "inputs beyond 3.4e.38, the range of"),
    "a line above the header": ("# of 2024\na,b,y\n1,2,3\n", "targets: y, predict: numbers", "a header, nothing above"),
    "Latin 1": (b"a,y\n\xe9,2\n", "targets: y, predict: numbers", "cannot be read as CSV|not numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_does_not_suit_is_refused_when_the_sweep_is_loaded(name: str, tmp_path: Path) -> None:
    content, data, message = REFUSED[name]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SpecError, match=message) as error:
        load_sweep(sweep_of(tmp_path, path, data))
    [problem] = error.value.problems
    assert problem.place.line == 6 and "\n" not in problem.message


SPACED = "a, b , y\n" + "".join(f"{a}, {b},  {label}\n" for a, b, label, _ in ROWS)
ODD = {
    "spaces around names and numbers": ("t.csv", SPACED),
    "line ends of old Macs": ("t.csv", SPACED.replace("\n", "\r")),
    "the separator named for Excel": ("t.csv", "sep=;\n" + SPACED.replace(",", ";").replace(".", ",")),
    "a name in capitals": ("T.CSV", SPACED),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_table_is_read_as_it_is_meant(name: str, tmp_path: Path) -> None:
    file, text = ODD[name]
    (tmp_path / file).write_bytes(text.encode())
    split = load(File(path=tmp_path / file, targets=("y",), predict="numbers", test_fraction=0.0))
    np.testing.assert_array_equal(sorted(map(tuple, split.train.x.tolist())), sorted((a, b) for a, b, _, _ in ROWS))
    assert set(split.train.y[:, 0]) == {10.0, 20.5}


MANY = 40
FLAGS = [index % 3 == 0 for index in range(MANY)]
WORDS = ["u" if flag else "v" for flag in FLAGS]
DAYS = [datetime.date(2024, 1, 1 + index % 28) for index in range(MANY)]
# Labels of a Parquet file, what they are to be, and the class of the first examples or what is said.
LABELS = {
    "booleans": (pl.Series(FLAGS), "classes", [1, 0, 0, 1]),
    "booleans as numbers": (pl.Series(FLAGS), "numbers", [1.0, 0.0, 0.0, 1.0]),
    "categories": (pl.Series(WORDS, dtype=pl.Categorical), "classes", [0, 1, 1, 0]),
    "an enum": (pl.Series(WORDS, dtype=pl.Enum(["v", "u"])), "classes", [0, 1, 1, 0]),
    "bytes": (pl.Series([word.encode() for word in WORDS]), "classes", [0, 1, 1, 0]),
    "-1 and 1": (pl.Series([2 * flag - 1 for flag in FLAGS]), "classes", [1, 0, 0, 1]),
    "1 to K": (pl.Series([flag + 1 for flag in FLAGS]), "classes", [1, 0, 0, 1]),
    "whole floats": (pl.Series([float(flag) for flag in FLAGS]), "classes", [1, 0, 0, 1]),
    "decimals": (
        pl.Series([f"{flag:d}.50" for flag in FLAGS]).cast(pl.Decimal(10, 2)),
        "numbers",
        [1.5, 0.5, 0.5, 1.5],
    ),
    "NaN among them": (
        pl.Series([1.0, float("nan")] * (MANY // 2)),
        "classes",
        "labels that are missing or not finite",
    ),
    "days": (pl.Series(DAYS), "numbers", "are times, which count in units of their file"),
    "moments with a zone": (
        pl.Series(DAYS).cast(pl.Datetime("us", "UTC")),
        "numbers",
        "are times, which count in units of their file",
    ),
    "lists": (pl.Series([[1.0, 2.0]] * MANY), "classes", r"labels y are List\(Float64\). Write one value an example"),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_every_type_are_read_or_refused(name: str, tmp_path: Path) -> None:
    labels, predict, expected = LABELS[name]
    pl.DataFrame({"a": [float(index) for index in range(MANY)], "y": labels}).write_parquet(tmp_path / "t.parquet")
    data = File(path=tmp_path / "t.parquet", targets=("y",), predict=predict, test_fraction=0.0)  # type: ignore[arg-type]
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            data.check()
        return
    train = load(data).train
    first = np.argsort(train.x[:, 0])[: len(expected)]
    assert train.y[first].reshape(-1).tolist() == expected


def test_flags_may_be_named_as_inputs(tmp_path: Path) -> None:
    pl.DataFrame({"a": FLAGS, "y": range(MANY)}).write_parquet(tmp_path / "t.parquet")
    data = File(path=tmp_path / "t.parquet", inputs=("a",), targets=("y",), predict="numbers", test_fraction=0.0)
    assert set(load(data).train.x[:, 0]) == {0.0, 1.0}


def test_arrays_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    cases = {
        "not numbers": {"x": np.array(["u", "v"]), "y": np.zeros(2)},
        "single value": {"x": np.zeros(()), "y": np.zeros(2)},
        "cannot be read": {"x": np.array([{}, {}], object), "y": np.zeros(2)},
        "3 inputs but 2 labels": {"x": np.zeros(3), "y": np.zeros(2)},
        "no examples with inputs": {"x": np.zeros((0, 2)), "y": np.zeros(0)},
        "they have shape .3, 0.": {"x": np.zeros((3, 0)), "y": np.zeros(3)},
        "not numbers but complex128": {"x": np.zeros(3, complex), "y": np.zeros(3)},
    }
    for message, arrays in cases.items():
        np.savez(tmp_path / "t.npz", allow_pickle=True, **arrays)
        with pytest.raises(ValueError, match=message):
            File(path=tmp_path / "t.npz", inputs=("x",), targets=("y",), predict="numbers").check()
    np.savez(tmp_path / "t.npz", x=np.zeros((3, 2)), y=np.eye(3))
    with pytest.raises(ValueError, match=r"3 values an example\. Save one: of a one-hot code, its argmax"):
        File(path=tmp_path / "t.npz", targets=("y",), predict="classes").check()
    (tmp_path / "t.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"cannot be read as \.npz"):
        File(path=tmp_path / "t.npz", targets=("y",), predict="numbers").check()
