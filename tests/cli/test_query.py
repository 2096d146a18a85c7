"""`llcray query` finds the place and the query, in whatever way they are given, and prints rows that can be read."""

from pathlib import Path

import llcray_storage as ls
import pytest
from click.testing import CliRunner, Result

from llcray.cli import main

QUERIES = Path(__file__).parents[2] / "storage" / "queries"
COUNT = "SELECT count(*) AS runs FROM runs"


def run(*words: str | Path, **options: str) -> Result:
    return CliRunner().invoke(main, ["query", *map(str, words)], env={"COLUMNS": "80"}, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset of 30 runs in `results`, and the query in a file."""
    folder = tmp_path_factory.mktemp("queried")
    dataset = ls.Dataset.create_or_open(folder / "results")
    for number in range(30):
        row = {"run_id": f"r{number:02d}", "sweep": "s", "status": "done", "llc": 1.5, "sampler_kind": "hmc"}
        dataset.write_run({**row, "verdict": "ok", "reason": "a long reason " * 10 if number == 0 else None})
    (folder / "count.sql").write_text(f"-- how many?\n{COUNT}\n")
    return folder


@pytest.fixture
def results(written: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The dataset; the working directory is its folder."""
    monkeypatch.chdir(written)
    return written / "results"


WAYS = {
    "place and query": ["results", COUNT],
    "the default place": [COUNT],
    "a comment first": ["results", f"-- how many?\n{COUNT}"],
    "a comment first, the default place": [f"-- how many?\n{COUNT}"],
    "a file": ["--file", "count.sql"],
    "a file and a place": ["results", "--file", "count.sql"],
    "a place after a file": ["--file", "count.sql", "results"],
    "options first": ["--csv", "results", COUNT],
    "options last": [COUNT, "--csv"],
}
MISTAKES = {
    "nothing": ([], "which query?"),
    "a place alone": (["results"], "which query?"),
    "a misspelt option": (["results", COUNT, "--cvs"], "--cvs"),
    "no quotes": (["results", *COUNT.split()], "one pair of quotes"),
    "a query beside a file": (["results", COUNT, "--file", "count.sql"], "one pair of quotes"),
    "a file that is not there": (["--file", "nowhere.sql"], "nowhere.sql"),
    "no dataset": (["elsewhere", COUNT], "no dataset"),
    "no SELECT": (["DELETE FROM runs"], "begins with DELETE"),
}


@pytest.mark.parametrize("words", WAYS.values(), ids=WAYS)
def test_ways_to_ask(results, words):
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert "30" in result.output


def test_a_query_from_standard_input(results):
    result = run("--file", "-", input=COUNT)
    assert result.exit_code == 0 and "30" in result.output


@pytest.mark.parametrize(("words", "part"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(results, words, part):
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert part in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr


def test_every_recipe_in_sql_can_be_given_as_a_file_and_as_text(results):
    for path in QUERIES.glob("*.sql"):
        for words in (["--file", path], [path.read_text()]):
            result = run(*words)
            assert result.exit_code == 0, (path.name, result.output)


def test_rows_that_are_too_wide_are_printed_as_records(results):
    result = run("SELECT * FROM runs ORDER BY run_id")
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    assert ["row", "1"] in lines and ["row", "20"] in lines and ["row", "21"] not in lines
    assert ["run_id", "r00"] in lines and ["llc", "1.5"] in lines
    assert "30 rows, the last 10 not shown" in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())
    assert not any(line[:1] == ["true_llc"] for line in lines), "null values are left out"


@pytest.mark.parametrize(
    "columns", ["run_id, llc, verdict", "run_id, reason", "run_id, sweep, status, llc, sampler_kind"]
)
def test_rows_that_fit_are_printed_side_by_side(results, columns):
    result = run(f"SELECT {columns} FROM runs ORDER BY run_id")
    assert "row 1" not in result.output
    assert result.output.split()[: len(columns.split(", "))] == columns.split(", ")


def test_tables_and_columns_are_listed(results):
    assert "draws_long" in run("SHOW TABLES").output
    listed = run("DESCRIBE runs").output
    assert "sampler_step_size" in listed and "nats" in listed
