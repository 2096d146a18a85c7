"""The one-page report: what is in the file, and that it works in a browser without a network."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from llcray.report.errors import ReportError
from llcray.report.page.agreement import disagreements
from llcray.report.page.page import write_report

pytest.importorskip("plotly", reason="the charting library is not installed: python -m pip install plotly")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
BROWSER_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LOADS_SOMETHING = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?!data:)[^"']""")


@pytest.fixture(scope="module")
def page(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    question = "Does <b>noise</b> raise </script> the LLC?"
    return write_report(digits, None, tmp_path_factory.mktemp("page") / "report.html", question)


def data_of(page: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


def opened(page: Path, folder: Path, fragment: str = "") -> tuple[str, str]:
    """The page as the browser has it after its scripts ran, and what the browser logged."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    profile = folder / "profile"
    command = [CHROMIUM, *BROWSER_OPTIONS, f"--user-data-dir={profile}", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=10000", "--window-size=1200,1600", "--dump-dom", page.as_uri() + fragment]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_the_page_holds_every_run_and_escapes_what_users_wrote(page: Path):
    data = data_of(page)
    assert len(data["runs"]["columns"]["run_id"]) == 72
    assert "Does &lt;b&gt;noise&lt;/b&gt; raise &lt;/script&gt; the LLC?" in page.read_text()
    assert data["failures"][0]["reason"].startswith("training ended")
    assert {row["sampler"] for row in data["costs"]} == {"sgld", "hmc", "mclmc"}


def test_the_page_loads_nothing_from_elsewhere(page: Path):
    before_the_library, _, _ = page.read_text().partition("<script>")
    assert "default-src 'none'" in before_the_library
    assert not LOADS_SOMETHING.search(before_the_library)


def test_several_sweeps_have_to_be_told_apart(digits: Path, tmp_path: Path):
    with pytest.raises(ReportError, match="has no runs yet"):
        write_report(digits, "nothing", tmp_path / "report.html")


def test_disagreement_is_counted_in_standard_errors():
    runs = pl.DataFrame(
        {
            "run_id": ["a", "b", "c"],
            "target_id": ["t", "t", "other"],
            "component": "all",
            "n_beta": 100.0,
            "loss_on": pl.Series([None] * 3, dtype=pl.String),
            "sampler": ["hmc", "sgld", "sgld"],
            "sampler_kind": ["hmc", "sgld", "sgld"],
            "trust": "ok",
            "llc": [10.0, 15.0, 99.0],
            "llc_mcse": [0.6, 0.8, 1.0],
        }
    )
    missing = {name: pl.lit(None, pl.Float64) for name in sampler_columns() if name not in runs.columns}
    [pair] = disagreements(runs.with_columns(**missing)).to_dicts()
    assert (pair["run_a"], pair["run_b"]) == ("a", "b")
    assert pair["z"] == pytest.approx(-5.0)


def sampler_columns() -> list[str]:
    from llcray_storage.schema import axis_column_names

    return [name for name in axis_column_names() if name.startswith("sampler_")]


def test_charts_are_drawn_and_the_browser_complains_of_nothing(page: Path, tmp_path: Path):
    dom, log = opened(page, tmp_path)
    assert 'data-ready="yes"' in dom
    assert 'data-visible="72"' in dom
    for chart in ("explorer", "verdicts", "agreement"):
        assert re.search(rf'id="{chart}"[^>]*js-plotly-plot', dom), chart
    assert "CONSOLE" not in log
    assert "Refused to" not in log


def test_the_filter_narrows_the_table(page: Path, tmp_path: Path):
    dom, _ = opened(page, tmp_path, "#search=hmc%20tanh")
    assert 'data-visible="12"' in dom
    dom, _ = opened(page, tmp_path, "#verdict=doubtful")
    assert 'data-visible="6"' in dom


def test_a_run_can_be_linked_to(page: Path, tmp_path: Path):
    run_id = data_of(page)["runs"]["columns"]["run_id"][0]
    dom, log = opened(page, tmp_path, f"#run={run_id}")
    assert re.search(r'<dialog id="detail"[^>]* open', dom)
    assert "llcray diagnose" in dom
    assert re.search(r'id="detail-chart"[^>]*js-plotly-plot', dom)
    assert "CONSOLE" not in log
