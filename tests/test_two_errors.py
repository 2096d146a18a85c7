"""Wherever an LLC is shown, its sampling error and what localization could move stand beside it, with the gamma."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from llcray.driver.progress.reports import RunReport, run_line
from llcray.report.diagnostics.chains import load_run
from llcray.report.diagnostics.diagnose import header
from llcray.report.page.page import write_report
from llcray.report.plots.legend import footnote
from llcray.report.plots.plot import PlotRequest, drawing_of
from llcray.report.promote import promote
from llcray.report.query import answer
from llcray.report.tables import print_results
from llcray.tracking.tracker import Tracked

NUMBERS: dict[str, Any] = {
    "llc": 33.8412,
    "llc_sampling_se": 0.3217,
    "localization_se": 14.75,
    "localization": 20.0,
    "n_beta": 144.76,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("one") / "results"
    row = {"run_id": "r1", "target_id": "t1", "sweep": "s", "status": "done", "verdict": "ok", "sampler_kind": "hmc"}
    draws = 33.8412 + np.sin(np.arange(40.0))
    chain = {"n_beta": 144.76, "centered_loss": draws / 144.76, "num_warmup_draws": 0}
    dataset = ls.Dataset.create_or_open(root)
    dataset.write_run({**row, **NUMBERS, "component": "all"}, [{"chain": number, **chain} for number in range(2)])
    return root


def table(root: Path) -> str:
    stream = io.StringIO()
    print_results(root, "s", Console(file=stream, width=80))
    return stream.getvalue()


def log_line(_: Path) -> str:
    return run_line(RunReport("r1", "done", verdict="ok", **NUMBERS), "hmc")


def caption(root: Path) -> str:
    return footnote(drawing_of(root, PlotRequest()))


def diagnostic(root: Path) -> str:
    return header(load_run(root, "r1"))


def gallery(root: Path) -> str:
    return promote(root, root.parent / "gallery", plots=["trace"])[-1].read_text()


def report(root: Path) -> str:
    page = write_report(root, None, root.parent / "report.html").read_text()
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[0])
    return f"{data['level']} {data['runs']['headings']['llc']}"


def tracked(_: Path) -> str:
    return repr(Tracked(100, {"all": NUMBERS | {"verdict": "ok"}}))


def means(root: Path) -> str:
    columns = ls.matched_means(ls.scan_runs(root), ["sampler_kind", "localization", "n_beta"]).columns
    return " ".join(columns).replace("localization n_beta", "gamma n beta")


def csv(root: Path) -> str:
    output = root.parent / "answer.csv"
    columns = "llc, llc_sampling_se, localization_se, localization AS gamma, n_beta AS 'n beta'"
    answer(root, f"SELECT {columns} FROM runs", None, output, Console(file=io.StringIO()))
    assert pl.read_csv(output).row(0) == tuple(NUMBERS.values())
    return output.read_text()


SURFACES: dict[str, Callable[[Path], Any]] = {
    "the table of a sweep": table,
    "a line of the log": log_line,
    "the caption of a plot": caption,
    "the header of a diagnostic": diagnostic,
    "the gallery": gallery,
    "the report": report,
    "a tracked step": tracked,
    "means": means,
    "a query": csv,
}


@pytest.mark.parametrize("surface", SURFACES)
def test_both_parts_and_their_setting_are_named(root: Path, surface: str) -> None:
    words = SURFACES[surface](root).lower()
    for word in ("sampling", "localization", "gamma", "n beta"):
        assert word in words, (surface, word)
    assert "mcse" not in words and "monte carlo" not in words
