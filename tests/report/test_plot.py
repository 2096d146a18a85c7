"""Sweep plots: what is averaged, what is marked, what is said; and that files are repeatable."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from llcray_storage import scan_runs
from llcray_storage.schema.tables import RUNS
from matplotlib.backends.backend_agg import FigureCanvasAgg

from llcray.report.aggregate import aggregate, with_matches
from llcray.report.errors import ReportError
from llcray.report.plots.format import Format
from llcray.report.plots.legend import footnote
from llcray.report.plots.panels import automatic, default_color, one_at_a_time
from llcray.report.plots.plot import PlotRequest, default_plot, drawing_of, figure_of, plot
from llcray.report.plots.sweep_plot import draw
from llcray.report.varying import prepared, target_axes, values_of, varying
from llcray.report.verdict_filter import outcome

PNG = b"\x89PNG"


def runs_of(root: Path) -> pl.DataFrame:
    return prepared(scan_runs(root)).with_columns(outcome())


def test_axes_that_vary_are_found_and_calibrated_numbers_are_not_axes(digits: Path, teacher_student: Path):
    assert target_axes(runs_of(digits)) == ["architecture_activation", "noise_rate"]
    found = target_axes(runs_of(teacher_student))
    assert set(found) == {
        "architecture_num_params", "architecture_depth", "architecture_activation", "data_kind", "noise_kind",
    }  # fmt: skip


def test_widths_are_ordered_as_numbers():
    """8 before 16, where texts would say otherwise."""
    rows = pl.LazyFrame({"run_id": ["a", "b", "c"], "architecture_widths": [[16], [8], [8, 16]]})
    rest = {"sampler_kind": pl.lit("hmc"), "sampler_preconditioner": pl.lit(None, pl.String)}
    empty = {
        name: pl.lit(None, kind) for name, kind in RUNS.polars.items() if name not in ("run_id", "architecture_widths")
    }
    runs = prepared(rows.with_columns(**(empty | rest)))
    assert values_of(runs, "architecture_widths") == ["8", "8-16", "16"]


def test_a_column_that_older_rows_lack_is_no_axis():
    rows = {
        "schema_version": [1, 1, 2, 2],
        "data_kind": [None, None, "digits", "digits"],
        "noise_kind": [None, None, None, "none"],
    }
    runs = pl.DataFrame(rows)
    assert varying(runs, ["data_kind", "noise_kind"]) == ["noise_kind"]


def test_one_at_a_time_is_told_from_a_product(digits: Path, teacher_student: Path):
    for root, expected in ((digits, False), (teacher_student, True)):
        runs = runs_of(root)
        assert one_at_a_time(runs, target_axes(runs)) is expected


@pytest.mark.parametrize("depth", [None, 1], ids=["depth not stated", "depth of the widths"])
def test_an_axis_that_silences_others_still_varies_alone(depth: int | None):
    """Students of given widths have their depth and no number of parameters asked for; the usual one has both."""
    usual = {"architecture_depth": 2, "architecture_num_params": 1000, "architecture_widths": None}
    silent = {"architecture_depth": depth, "architecture_num_params": None}
    changes = [{}, {}, {"architecture_depth": 3}, {"architecture_num_params": 500}]
    changes += [{"architecture_widths": width, **silent} for width in ("50", "100")]
    runs = pl.DataFrame([usual | change for change in changes], infer_schema_length=None)
    assert one_at_a_time(runs, list(usual))
    another = runs.with_columns(architecture_num_params=pl.col("architecture_num_params").fill_null(500))
    assert not one_at_a_time(another, list(usual))


def test_axes_of_many_values_that_are_seldom_combined_are_drawn_all_the_same(teacher_student: Path):
    """Two sizes of an experiment in one dataset: not one axis at a time, and no room for a panel a combination."""
    runs = runs_of(teacher_student).with_row_index()
    usual, other = pl.col("architecture_activation") == "tanh", pl.col("noise_kind") == "outliers"
    runs = runs.with_columns(
        sampling_budget_num_gradients=pl.when(pl.col("seed") == 0).then(5000).otherwise(30_000),
        architecture_depth=pl.when(usual).then(pl.col("index") % 6 + 1).otherwise(2),
        architecture_activation=pl.when(other).then(pl.lit("elu")).otherwise("architecture_activation"),
    )
    assert not one_at_a_time(runs, target_axes(runs))
    layout = automatic(runs)
    assert sum(len(panel.runs) for panel in layout.panels) == len(runs)


def test_more_samplers_than_colours_tell_apart_stand_along_the_axis(digits: Path):
    runs = runs_of(digits)
    names = pl.Series([f"sampler {number % 17}" for number in range(len(runs))])
    many = runs.with_columns(names.alias("sampler"))
    assert many["sampler"].n_unique() > 12
    layout = automatic(many)
    assert {panel.x for panel in layout.panels} == {"sampler"}
    assert sum(len(panel.runs) for panel in layout.panels) == len(runs)
    assert default_color(many, None) is None


def test_numbers_of_the_target_itself_do_not_wait_for_its_chains(training: Path):
    """The estimate at step 0 is doubtful; the loss there is not."""
    asked = [PlotRequest(x="step", y=y, condition="step == 0") for y in ("llc", "loss_at_center")]
    of_chains, of_target = (drawing_of(training, request).runs for request in asked)
    assert set(of_chains["outcome"]) == {"escaped"} and set(of_target["outcome"]) == {"ok"}


def test_spread_and_both_errors_are_kept_apart():
    runs = pl.DataFrame(
        {
            "outcome": ["ok", "ok", "escaped"],
            "noise_rate": [0.1, 0.1, 0.1],
            "llc": [10.0, 14.0, -900.0],
            "llc_sampling_se": [0.3, 0.4, 5.0],
            "localization_se": [1.0, 3.0, 50.0],
            "true_llc": [None, 11.0, None],
        }
    )
    [point] = aggregate(with_matches(runs, "noise_rate", None, "llc", []), ["noise_rate"], "llc").to_dicts()
    assert point["mean"] == pytest.approx(12.0)
    assert point["spread"] == pytest.approx(8**0.5)
    assert point["sampling"] == pytest.approx(0.25)  # sqrt(0.09 + 0.16) / 2
    assert point["localization"] == pytest.approx(2.0)  # moves all the same way, so it does not average out
    assert point["num_runs"] == 2
    assert point["known"] == pytest.approx(11.0)


def test_doubtful_and_failed_runs_are_said(digits: Path):
    words = footnote(drawing_of(digits, PlotRequest()))
    assert "6 runs are not to be trusted" in words
    assert "2 of 72 runs failed" in words


def test_axes_averaged_over_are_said(digits: Path):
    assert "Also pooled: activation" in footnote(drawing_of(digits, PlotRequest(x="noise_rate")))
    assert "pooled" not in footnote(drawing_of(digits, PlotRequest(x="noise_rate", facets=["activation"])))


def test_the_caption_has_gamma_n_beta_and_what_localization_could_move(digits: Path):
    words = footnote(drawing_of(digits, PlotRequest()))
    assert re.search(r"Gamma 120[.0-9]* to 12[.0-9]*, n beta 239.8\. Each LLC is at its own gamma", words)
    assert re.search(r"could move it by [.0-9]+ to [.0-9]+ nats \(localization\)", words)
    assert "Gamma" not in footnote(drawing_of(digits, PlotRequest(y="rhat")))


def test_every_doubtful_run_has_a_marker(digits: Path):
    figure = draw(drawing_of(digits, PlotRequest()))
    open_markers = [line for axes in figure.axes for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert len(open_markers) == 6


@pytest.mark.parametrize(("log_y", "inside"), [(None, [60.0]), (True, [60.0, 6.0])])
def test_doubtful_runs_not_far_from_the_trusted_are_inside_the_axes(few_trusted: Path, log_y, inside: list[float]):
    low, high = draw(drawing_of(few_trusted, PlotRequest(log_y=log_y))).axes[0].get_ylim()
    assert [value for value in (60.0, 6.0) if low < value < high] == inside


def test_the_default_plot_has_a_fixed_name_and_the_same_bytes_each_time(digits: Path, tmp_path: Path):
    first = default_plot(digits, "digits_noise", tmp_path / "a")
    second = default_plot(digits, "digits_noise", tmp_path / "b")
    assert first is not None
    assert second is not None
    assert first.name == "llc-by-noise_rate.png"
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(PNG)


def test_a_sweep_without_estimates_has_no_default_plot(digits: Path, tmp_path: Path):
    assert default_plot(digits, "nothing", tmp_path) is None


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("a.png", PlotRequest(x="num_params", y="fde_to_se1")),
        ("a.svg", PlotRequest(x="activation", color="noise", log_y=True)),
        ("a.pdf", PlotRequest(x="sampler", color="num_params", facets=["depth"])),
        ("b.png", PlotRequest(x="depth", facets=["data", "noise"], condition="seed == 0")),
        ("c.png", PlotRequest()),
    ],
)
def test_plots_of_many_kinds_are_drawn(teacher_student: Path, tmp_path: Path, name: str, request_: PlotRequest):
    assert plot(teacher_student, request_, tmp_path / name).stat().st_size > 2000


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (PlotRequest(y="verdict"), "holds no numbers"),
        (PlotRequest(x="noise_rat"), "did you mean 'noise_rate'"),
        (PlotRequest(x="step"), "column 'step' has no value in any of 72 runs"),
        (PlotRequest(condition="seed > 99"), "nothing to draw"),
        (PlotRequest(facets=["seed", "noise", "data"]), "at most two"),
        (PlotRequest(x="noise_rate", color="run_id"), "colours can tell apart"),
        (PlotRequest(x="noise_rate", facets=["run_id"]), "panels"),
    ],
)
def test_a_plot_that_cannot_be_is_one_line(digits: Path, request_: PlotRequest, message: str):
    with pytest.raises(ReportError, match=message):
        draw(drawing_of(digits, request_))


def test_an_unknown_picture_format_is_one_line(digits: Path, tmp_path: Path):
    with pytest.raises(ReportError, match=r"\.png, \.svg or \.pdf"):
        plot(digits, PlotRequest(), tmp_path / "a.jpg")


def test_levels_are_drawn_by_name_inside_the_axes(digits: Path):
    """A level outside the range of the estimates would be a line nobody sees."""
    axes = draw(drawing_of(digits, PlotRequest(x="noise_rate", levels=("5-gon=7", "95.5")))).axes[0]
    low, high = axes.get_ylim()
    assert low < 7 and high > 95.5
    ends = [np.asarray(line.get_data()) for line in axes.lines]
    at = {float(y[0]) for x, y in ends if x.tolist() == [0, 1]}
    assert {7.0, 95.5} <= at
    assert {"5-gon", "95.5"} <= {text.get_text() for text in axes.texts}


def test_a_level_that_is_no_number_is_refused(digits: Path):
    with pytest.raises(ReportError, match="--level hexagon: 'hexagon' is no number: write VALUE or NAME=VALUE"):
        drawing_of(digits, PlotRequest(levels=("hexagon",)))


def test_a_legend_of_many_series_and_verdicts_stays_inside_the_figure(digits: Path):
    """Catches rows as long as short names allow, in columns as wide as the verdicts below them."""
    drawing = drawing_of(digits, PlotRequest(x="noise_rate", color="seed"))
    [panel] = drawing.layout.panels
    eight = panel.runs.with_columns(seed=pl.int_range(pl.len()) % 8)
    layout = dataclasses.replace(drawing.layout, panels=(dataclasses.replace(panel, runs=eight),))
    figure = draw(dataclasses.replace(drawing, layout=layout))
    FigureCanvasAgg(figure).draw()
    box, (width, _) = figure.legends[0].get_window_extent(), figure.canvas.get_width_height()
    assert box.x0 >= 0 and box.x1 <= width


@pytest.mark.parametrize("width", [2.4, 3.3, 7.0])
def test_all_marks_lie_inside_the_axes_however_narrow_the_figure(digits: Path, width: float):
    """Series stand aside of one another by points, which in a narrow panel are a large part of its axis."""
    drawing = drawing_of(digits, PlotRequest(x="noise_rate", facets=["activation"]))
    figure = draw(drawing, Format(width, 2.4, caption=False))
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes:
        box = axes.get_window_extent()
        marks = [line.get_window_extent() for line in axes.lines if line.get_marker() not in ("None", "", None)]
        assert marks and all(box.x0 <= mark.x0 and mark.x1 <= box.x1 for mark in marks)


def test_a_figure_for_a_paper_has_neither_titles_nor_caption(digits: Path):
    request = PlotRequest(x="noise_rate", facets=["activation"])
    plain, usual = (figure_of(digits, request, form) for form in (Format(caption=False, titles=False), Format()))
    assert [axes.get_title() for axes in usual.axes] == ["activation: relu", "activation: tanh"]
    assert [axes.get_title() for axes in plain.axes] == ["", ""]
    assert (plain.get_supxlabel(), usual.get_supxlabel() != "") == ("", True)
