"""SQL answers SELECT and lists tables and columns; everything else is refused in one line that says what to write."""

import llcray_storage as ls
import pytest
from llcray_storage.errors import StorageError


@pytest.fixture
def filled(dataset, root, new_row, new_chains) -> str:
    dataset.write_run(new_row("r1"), new_chains())
    return root


ANSWERED = {
    "SELECT llc FROM runs": 1,
    "-- a question\nSELECT llc FROM runs": 1,
    "/* two\nlines */ -- and one\n  WITH a AS (SELECT llc FROM runs) SELECT * FROM a": 1,
    "(SELECT llc FROM runs)": 1,
    "select count(*) AS n from draws_long;": 1,
    "SHOW TABLES": 6,
    "-- which?\nshow tables;": 6,
    "DESCRIBE stages": None,
    "SHOW COLUMNS FROM runs": None,
    "desc observables": None,
    "DESCRIBE runs LIKE 'llc_mc%'": 1,
    "SHOW COLUMNS FROM runs LIKE 'no such%'": 0,
}
REFUSED = {
    "DELETE FROM runs": "begins with DELETE",
    "DROP TABLE runs": "begins with DROP",
    "-- hm\nINSERT INTO runs VALUES (1)": "begins with INSERT",
    "UPDATE runs SET llc = 1": "begins with UPDATE",
    "EXPLAIN SELECT llc FROM runs": "begins with EXPLAIN",
    "SELECT 1; DROP TABLE runs": "one (and only one) statement",
    "WITH a AS (SELECT 1) DELETE FROM runs": "unsupported",
    "": "no statement",
    "-- nothing but words": "no statement",
    "SELECT lllc FROM runs": "did you mean llc or llc_",
    "SELECT widths FROM runs": "did you mean architecture_widths or",
    "SELECT r.lcc FROM runs r": "did you mean llc",
    "SELECT gradients FROM runs": "num_gradients",
    "SELECT llc FROM rnus": "Did you mean runs?",
    "DESCRIBE rums": "Did you mean runs?",
    "SELECT nofun(llc) FROM runs": "nofun",
    "SELECT * FROM": "sql parser error",
}


@pytest.mark.parametrize("query", ANSWERED)
def test_what_is_answered(filled, query):
    frame = ls.sql(filled, query)
    assert frame.height == ANSWERED[query] if ANSWERED[query] is not None else frame["column"].to_list()


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_refused_is_one_short_line(filled, query):
    with pytest.raises(StorageError) as caught:
        ls.sql(filled, query)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400, message
    assert REFUSED[query].lower() in message.lower()


def test_a_description_has_the_unit_and_the_meaning_of_each_column(filled):
    [row] = ls.sql(filled, "DESCRIBE runs").filter(column="llc").to_dicts()
    assert row["type"] == "Float64" and row["unit"] == "nats" and row["meaning"]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_damaged_file_is_one_line_that_names_the_command_that_mends(filled, tmp_path, damage):
    [path] = (tmp_path / "results").glob("draws/*/c-*.parquet")
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if damage == "empty" else path.read_bytes()[:100])
    with pytest.raises(StorageError, match=rf"^[^\n]*Run `llcray verify {filled} --repair`\.$"):
        ls.sql(filled, "SELECT * FROM draws")
