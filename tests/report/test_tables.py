"""Tables for the terminal: they fit its width and say what they leave out."""

import io
import re
from pathlib import Path

import polars as pl
import pytest
from llcray_storage import scan_runs
from rich.console import Console

from llcray.report.query import answer
from llcray.report.results_table import results_table
from llcray.report.tables import print_results, print_status
from llcray.report.varying import prepared
from llcray.report.verdict_filter import outcome


def console(width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width)


def text_of(made: Console) -> str:
    assert isinstance(made.file, io.StringIO)
    return made.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_results_fit_the_width_and_name_what_varies(digits: Path, width: int):
    made = console(width)
    print_results(digits, "digits_noise", made)
    lines = text_of(made).splitlines()
    assert max(map(len, lines)) <= width
    for header in (
        "activation",
        "rate",
        "sampler",
        "seed",
        "LLC ± sampling",
        "± localization",
        "R-hat",
        "ESS",
        "verdict",
    ):
        assert header in lines[0] + lines[1]
    assert "…" not in text_of(made)


def test_the_table_names_gamma_and_n_beta_and_says_once_what_gamma_decides(digits: Path):
    made = console()
    print_results(digits, "digits_noise", made)
    text = " ".join(text_of(made).split())
    assert re.search(r"Gamma 120[.0-9]* to 12[.0-9]*, n beta 239.8\.", text)
    assert text.count("its own gamma") == 1 and "Compare at one gamma." in text


def test_results_show_the_doubtful_runs_first_and_say_what_is_left_out(digits: Path):
    made = console()
    print_results(digits, "digits_noise", made, limit=8)
    rows = text_of(made).splitlines()[3:11]
    assert [row.split()[-1] for row in rows[:4]] == ["failed", "failed", "diverged", "escaped"]
    assert "8 of 72 runs" in text_of(made)
    assert "64 ok" in text_of(made)
    assert "gradient norm" in text_of(made)


def test_axes_that_do_not_fit_become_what_differs(teacher_student: Path):
    made = console()
    print_results(teacher_student, "teacher_student", made, limit=200)
    assert "base" in text_of(made)
    assert "depth=3" in text_of(made)
    assert max(map(len, text_of(made).splitlines())) <= 80


def test_a_sweep_of_one_target_has_a_row_for_each_run_at_any_width(digits: Path):
    """Seeds and samplers do not fit, and no axis of targets could be left out: the end of such a sweep was a crash."""
    runs = prepared(scan_runs(digits, "digits_noise")).with_columns(outcome())
    runs = runs.filter(pl.col("target_id") == runs["target_id"][0])
    assert results_table(runs, runs, width=30).row_count == runs.height


def test_a_sweep_without_runs_says_so(digits: Path):
    made = console()
    print_results(digits, "nothing", made)
    assert "has no runs yet" in text_of(made)


def test_status_counts_runs_by_trust(digits: Path):
    made = console()
    print_status(digits, made)
    row = next(line for line in text_of(made).splitlines() if line.startswith("digits_noise"))
    assert row.split()[1:5] == ["72", "64", "6", "2"]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_query_can_be_written_to_a_file(digits: Path, tmp_path: Path, form: str):
    output = tmp_path / f"answer.{form}"
    answer(digits, "SELECT run_id, llc, architecture_widths FROM runs LIMIT 3", None, output, console())
    assert output.stat().st_size > 0


def test_a_query_prints_a_table(digits: Path):
    made = console()
    answer(digits, "SELECT sampler_kind, count(*) AS runs FROM runs GROUP BY sampler_kind", None, None, made)
    assert "mclmc" in text_of(made)
    assert "3 rows" in text_of(made)
