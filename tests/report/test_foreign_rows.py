"""Texts of rows and files that somebody else wrote are text: neither a path nor a part of the page."""

import html
import re
from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest
from llcray_storage.errors import StorageError
from llcray_storage.files.encode import commit_bytes
from llcray_storage.schema.tables import RUNS
from pyarrow.parquet import ParquetFile

from llcray.report.diagnostics.chains import load_run
from llcray.report.diagnostics.diagnose import diagnose, diagnose_all
from llcray.report.errors import ReportError
from llcray.report.export.runs import exported_runs
from llcray.report.page.page import write_report
from llcray.report.plots.plot import PlotRequest, plot
from llcray.report.promote import promote

UP = "../../../../../victim/evil"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A dataset of one run, beside a folder that is none of its business."""
    (tmp_path / "victim").mkdir()
    root = tmp_path / "results"
    series = np.random.default_rng(0).gamma(4.0, size=(4, 60))
    chains = [{"chain": chain, "n_beta": 10.0, "centered_loss": series[chain] / 10.0} for chain in range(4)]
    numbers = {"llc": 4.0, "llc_mcse": 0.2, "rhat": 1.0, "num_chains": 4, "num_draws": 60, "n_beta": 10.0}
    words = {"sampler_kind": "sgld", "status": "done", "verdict": "ok", "sweep": "small"}
    ls.Dataset.create_or_open(root).write_run({"run_id": "r1", "target_id": "t1", **words, **numbers}, chains)
    return root


def forge(root: Path, **columns: object) -> str:
    """Give the one run of a dataset other columns, with a valid seal; returns its id."""
    [path] = root.glob("runs/*/t-*.parquet")
    [row] = ParquetFile(path).read().to_pylist()
    path.write_bytes(commit_bytes(RUNS, {**row, **columns}, "forged"))
    return str(columns.get("run_id", row["run_id"]))


@pytest.mark.parametrize(
    "columns", [{"sampler_kind": UP}, {"sampler_kind": "/tmp/evil"}, {"run_id": UP}, {"sweep": UP}]
)
def test_diagnostics_are_written_where_they_were_told(foreign, tmp_path, columns):
    forge(foreign, **columns)
    before = set(tmp_path.rglob("*"))
    for draw in (
        lambda: list(diagnose_all(foreign, None, ["rank"])),
        lambda: list(diagnose_all(foreign, None, ["rank"], folder=tmp_path / "told")),
        lambda: promote(foreign, tmp_path / "told", plots=["rank"]),
    ):
        try:
            draw()
        except Exception as error:
            assert type(error).__name__ in ("StorageError", "ReportError"), repr(error)
    new = set(tmp_path.rglob("*")) - before
    places = (foreign / "plots", tmp_path / "told")
    assert all(path in places or any(place in path.parents for place in places) for path in new), new
    assert not list(Path("/tmp").glob("evil*"))


@pytest.mark.parametrize("columns", [{"run_id": UP}, {"run_id": "r*"}, {"sweep": UP}])
def test_runs_whose_names_are_paths_are_not_exported(foreign, columns):
    """Ids and sweeps become parts of the names of files, of trackers' folders, too."""
    forge(foreign, **columns)
    with pytest.raises(StorageError):
        exported_runs(foreign)


@pytest.mark.parametrize("calibration", ["{", "[1, 2]", "{}", "[" * 50_000], ids=["cut", "list", "table", "deep"])
def test_decisions_that_nobody_can_read_are_left_out(foreign, calibration):
    assert load_run(foreign, forge(foreign, calibration=calibration)).decisions == []


@pytest.mark.parametrize("n_beta", [None, float("inf"), float("nan")])
def test_a_row_without_the_scale_of_its_draws_is_named(foreign, n_beta):
    with pytest.raises(ReportError, match=r"run r1: its row says n beta .*it is damaged"):
        diagnose(foreign, forge(foreign, n_beta=n_beta), ["rank"])


def test_a_link_out_of_a_dataset_is_not_followed_by_diagnostics(foreign, tmp_path):
    run_id = forge(foreign)
    (foreign / "plots").symlink_to(tmp_path / "victim")
    with pytest.raises(ReportError, match=r"leads out of the dataset by a link"):
        diagnose(foreign, run_id, ["rank"])
    assert not list((tmp_path / "victim").iterdir())


@pytest.mark.parametrize("text", ["Q {{DATA}} {{SCRIPT}}", "{{STYLE}}", "{{NOTHING}} \\1 \\g<0>"])
def test_a_question_is_no_template(foreign, tmp_path, text):
    page = write_report(foreign, None, tmp_path / "report.html", text).read_text()
    assert f"<h1>{html.escape(text)}</h1>" in page
    assert re.search(r'<script type="application/json" id="data">\{"sweep":"small"', page)


FORMULAS = ["cost $5 and $6", "$\\frac$", "a_b^c \\alpha", "$x^2$"]


@pytest.mark.parametrize("axes", [{"color": "label"}, {"x": "label"}, {"facets": ["label"]}])
def test_a_label_is_no_formula(tmp_path, axes):
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    for at, label in enumerate(FORMULAS):
        row = {
            "run_id": f"r{at}",
            "target_id": f"t{at}",
            "sweep": "s",
            "status": "done",
            "verdict": "ok",
            "llc": 1.0 + at,
        }
        dataset.write_run({**row, "label": label, "num_data": 10 * (at + 1), "sampler_kind": "hmc"})
    output = plot(tmp_path / "results", PlotRequest(**{"x": "num_data"} | axes), tmp_path / "plot.svg")
    written = html.unescape(output.read_text())
    assert all(label in written for label in FORMULAS)
