"""What a sweep returns in Python: a table, matched means, a figure, a page, and itself in a notebook."""

from pathlib import Path

import polars as pl
import pytest
from llcray_storage import scan_runs
from matplotlib.figure import Figure

import llcray
from llcray.report.errors import ReportError
from llcray.results.results import Results
from llcray.spec import load_sweep

QUICKSTART = Path(__file__).parents[2] / "experiments" / "quickstart.yaml"


@pytest.fixture(scope="module")
def results(quickstart_results: Path) -> Results:
    sweep = load_sweep(QUICKSTART)
    return Results(str(quickstart_results), sweep.name, tuple(run.run_id for run in sweep.runs), sweep.question)


def test_the_frame_has_a_row_a_run_and_no_empty_columns(results: Results):
    assert results.frame.height == len(results) == 12
    assert {"llc", "verdict", "noise_rate", "sampler_kind"} <= set(results.frame.columns)
    assert "target_rank" not in results.frame.columns


def test_runs_of_an_earlier_version_of_the_sweep_are_left_out(results: Results, quickstart_results: Path):
    """Catches an edited sweep whose old runs stay in every table."""
    fewer = Results(str(quickstart_results), "quickstart", results.run_ids[:3])
    assert fewer.frame.height == 3
    assert fewer.summary("noise_rate")["num_runs"].sum() <= 3


def test_the_summary_has_the_means_of_the_figure(results: Results, quickstart_results: Path):
    """By the definition: all runs of this dataset are ok, so the matched mean is the mean over seeds and widths."""
    means = results.summary("noise_rate")
    runs = scan_runs(str(quickstart_results), "quickstart").collect()
    expected = runs.group_by("noise_rate", pl.col("sampler_kind").alias("sampler")).agg(pl.col("llc").mean())
    both = means.join(expected, on=["noise_rate", "sampler"])
    assert both.height == 4
    assert (both["mean"] - both["llc"]).abs().max() == pytest.approx(0, abs=1e-9)  # pyright: ignore[reportArgumentType]


def test_a_figure_has_the_size_asked_for_and_no_caption(results: Results):
    figure = results.plot("noise_rate", width=3.3, height=2.5, caption=False)
    assert isinstance(figure, Figure)
    assert tuple(figure.get_size_inches()) == pytest.approx((3.3, 2.5))
    assert figure.get_supxlabel() == ""
    assert "Thick bar" in results.plot("noise_rate").get_supxlabel()


def test_a_notebook_shows_a_figure_without_pyplot(results: Results):
    png = results.plot("noise_rate")._repr_png_()  # pyright: ignore[reportAttributeAccessIssue]
    assert png.startswith(b"\x89PNG")


def test_a_size_that_is_none_is_refused(results: Results):
    with pytest.raises(ReportError, match=r"width 0 is no size of a figure: give 1 to 40 inches"):
        results.plot("noise_rate", width=0)


def test_the_same_figure_comes_from_the_place_alone(quickstart_results: Path):
    figure = llcray.plot(quickstart_results, "noise_rate", sweep="quickstart", width=5)
    assert figure.get_figwidth() == 5


def test_the_page_is_written(results: Results, tmp_path: Path):
    page = results.report(tmp_path / "page.html")
    assert "label noise" in page.read_text(encoding="utf-8")


def test_a_notebook_shows_axes_estimates_and_verdicts(results: Results):
    shown = results._repr_html_()
    assert shown.count("<tr>") == 13
    assert "✓ ok" in shown and "12 runs: 12 ok" in shown and "share of labels flipped" not in shown
    assert repr(results).endswith("12 runs: 12 ok")


def test_runs_that_are_missing_are_counted(quickstart_results: Path, results: Results):
    more = Results(str(quickstart_results), "quickstart", (*results.run_ids, "0" * 16))
    assert "1 not run yet" in repr(more)


def test_an_option_of_a_figure_that_does_not_exist_is_named(results: Results):
    with pytest.raises(TypeError, match=r"plot\(\) has no option colour: y, color, facets, "):
        results.plot("noise_rate", colour="seed")  # pyright: ignore[reportCallIssue]
