"""Plots compare means over the same targets, say what that leaves out, and draw measured numbers where they are."""

from pathlib import Path

import llcray_storage as ls
import numpy as np
import polars as pl
import pytest

from llcray.report.plots.legend import footnote
from llcray.report.plots.plot import PlotRequest, drawing_of, means_of
from llcray.report.plots.sweep_plot import draw

MATCHED = {
    # rate: seeds of each sampler that are doubtful, and the seeds left for all
    0.1: ({"hmc": (2,), "sgld": ()}, (0, 1)),
    0.2: ({"hmc": (), "sgld": ()}, (0, 1, 2)),
    0.3: ({"hmc": (), "sgld": ()}, (0, 1, 2)),
    0.4: ({"hmc": (0, 1), "sgld": (2,)}, ()),
    0.5: ({"hmc": (0, 1, 2), "sgld": (0,)}, (1, 2)),
}


@pytest.fixture(scope="module")
def seeds_differ(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samplers that agree on every target, whose LLC is 10, 20 and 60 for the three seeds; some runs are doubtful."""
    dataset = ls.Dataset.create_or_open(root := tmp_path_factory.mktemp("seeds") / "results")
    for rate, (doubted, _) in MATCHED.items():
        for sampler, seeds in doubted.items():
            for seed in (0, 1, 2):
                row = {
                    "run_id": f"{sampler}-{round(10 * rate)}-{seed}",
                    "target_id": f"t-{round(10 * rate)}-{seed}",
                    "sweep": "s",
                    "status": "done",
                }
                row |= {"verdict": "not_converged" if seed in seeds else "ok", "llc": (10.0, 20.0, 60.0)[seed]}
                row |= {"llc_sampling_se": 4.0, "localization_se": 5.0, "localization": 20.0, "n_beta": 100.0}
                row |= {"noise_rate": rate, "sampler_kind": sampler, "seed": seed, "test_accuracy": 0.5 + 0.1 * seed}
                dataset.write_run(row)
    return root


def test_samplers_that_agree_have_one_mean_at_each_value(seeds_differ: Path):
    """Over all that each can be trusted in, they are 15 nats apart at 0.1, and 45 at 0.4."""
    drawing = drawing_of(seeds_differ, PlotRequest())
    [means] = drawing.means
    levels = (10.0, 20.0, 60.0)
    for rate, (doubted, seeds) in MATCHED.items():
        at = means.filter(pl.col("noise_rate") == rate)
        compared = [sampler for sampler, doubts in doubted.items() if len(doubts) < 3] if seeds else []
        assert at["sampler"].to_list() == compared
        assert at["num_runs"].to_list() == [len(seeds)] * len(compared)
        assert at["mean"].to_list() == pytest.approx(
            [sum(levels[s] for s in seeds) / len(seeds)] * len(compared) if seeds else []
        )
    words = footnote(drawing)
    assert "4 trusted runs in no mean" in words
    assert "No target is trusted in all that is compared, so there is no mean: share of labels flipped 0.4." in words
    assert "Means of 2 to 3 runs (the number beside each)" in words


def test_the_means_of_a_plot_are_a_table_that_names_the_panel(seeds_differ: Path):
    table = means_of(seeds_differ, PlotRequest(x="sampler", facets=["noise_rate"], condition="noise_rate < 0.3"))
    assert table.columns[:3] == ["noise_rate", "sampler", "mean"]
    assert table.select("noise_rate", "sampler", "mean", "num_runs").rows() == [
        (0.1, "hmc", 15.0, 2),
        (0.1, "sgld", 15.0, 2),
        (0.2, "hmc", 30.0, 3),
        (0.2, "sgld", 30.0, 3),
    ]


def test_lines_join_means_over_the_same_targets_alone(seeds_differ: Path):
    axes = draw(drawing_of(seeds_differ, PlotRequest(condition="sampler == 'sgld' or noise_rate < 0.4"))).axes[0]
    drawn = [line for line in axes.lines if line.get_linestyle() in ("-", "--")]
    joined = {tuple(np.round(np.asarray(line.get_xdata(), float), 3)) for line in drawn}
    assert {places for places in joined if len(set(places)) > 1} == {(0.2, 0.3)}


def test_the_number_of_runs_stands_beside_each_mean(seeds_differ: Path):
    texts = [text.get_text() for text in draw(drawing_of(seeds_differ, PlotRequest())).axes[0].texts]
    assert sorted(texts) == ["2"] * 3 + ["3"] * 4
    alike = draw(drawing_of(seeds_differ, PlotRequest(condition="noise_rate == 0.2")))
    assert not [text for text in alike.axes[0].texts if text.get_text().isdigit()]


def test_samplers_side_by_side_are_matched_too(seeds_differ: Path):
    [means] = drawing_of(seeds_differ, PlotRequest(x="sampler", condition="noise_rate == 0.1")).means
    assert means["mean"].to_list() == [15.0, 15.0]


def test_groups_that_share_no_targets_are_averaged_each_and_that_is_said(seeds_differ: Path):
    """Seeds 0 and 1 of one sampler against seed 2 of the other: nothing was dropped, nothing can be matched."""
    condition = "(sampler == 'hmc' and seed < 2 or sampler == 'sgld' and seed == 2) and noise_rate == 0.2"
    drawing = drawing_of(seeds_differ, PlotRequest(x="noise_rate", condition=condition))
    assert sorted(drawing.means[0]["mean"]) == [15.0, 60.0]
    assert "shares no target, each mean is over its own" in footnote(drawing)


def test_a_measured_number_is_drawn_where_it_was_measured_and_joined_by_no_line(seeds_differ: Path):
    axes = draw(drawing_of(seeds_differ, PlotRequest(x="test_accuracy", condition="noise_rate == 0.2"))).axes[0]
    markers = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert {round(float(place), 6) for line in markers for place in np.asarray(line.get_xdata())} == {0.5, 0.6, 0.7}
    assert not [line for line in axes.lines if len(set(np.asarray(line.get_xdata()).tolist())) > 1]
    origins = {tuple(np.round(line.get_transform().transform((0.5, 10.0)), 6)) for line in markers}
    assert len(origins) == 1, "series are moved aside"


def test_bars_of_doubtful_runs_are_inside_the_axes(seeds_differ: Path):
    """The doubtful runs of seed 2 lie at 60 +- 4, the trusted ones at 10 and 20 +- 4."""
    drawing = drawing_of(seeds_differ, PlotRequest(condition="sampler == 'hmc' and noise_rate == 0.1"))
    assert draw(drawing).axes[0].get_ylim()[1] < 64.0, "too far off to be at its place"
    few = drawing_of(seeds_differ, PlotRequest(condition="noise_rate == 0.4 and seed < 2"))
    low, high = draw(few).axes[0].get_ylim()
    assert low < 6.0 and high > 24.0
