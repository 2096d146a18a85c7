"""Diagnostics, promotion and export of single runs."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from llcray_storage import scan_runs

from llcray.report.diagnostics import statistics
from llcray.report.diagnostics.catalogue import DIAGNOSTICS, selected
from llcray.report.diagnostics.chains import load_run
from llcray.report.diagnostics.diagnose import diagnose
from llcray.report.errors import ReportError
from llcray.report.export.netcdf import export_netcdf
from llcray.report.promote import promote


def a_run(root: Path, sampler: str, status: str = "done") -> str:
    rows = scan_runs(root).filter(pl.col("sampler_kind") == sampler, pl.col("status") == status)
    return rows.select(pl.col("run_id").min()).collect().item()


@pytest.mark.parametrize(
    ("sampler", "has", "lacks"),
    [("hmc", ("acceptance", "energy"), ("energy_change",)), ("mclmc", ("energy_change",), ("acceptance", "energy"))],
)
def test_a_run_gets_the_plots_it_has_draws_for(
    digits: Path, tmp_path: Path, sampler: str, has: tuple[str, ...], lacks: tuple[str, ...]
):
    names = {path.name for path in diagnose(digits, a_run(digits, sampler), folder=tmp_path)}
    always = ("running_llc", "trace", "autocorrelation", "ess_evolution", "quantile_ess", "rhat_evolution", "rank")
    assert {f"{sampler}_{name}.png" for name in (*always, *has)} <= names
    assert not {f"{sampler}_{name}.png" for name in lacks} & names
    assert {path.name for path in tmp_path.iterdir()} == names


def test_plots_can_be_chosen_and_a_run_named_by_its_first_digits(digits: Path, tmp_path: Path):
    [path] = diagnose(digits, a_run(digits, "sgld")[:8], ["rank"], "svg", tmp_path)
    assert path.name == "sgld_rank.svg"


def test_an_unknown_plot_gets_the_nearest_one():
    with pytest.raises(ReportError, match="did you mean 'rank'"):
        selected(["rnk"])


def test_a_failed_run_says_why_it_has_no_plots(digits: Path):
    with pytest.raises(ReportError, match="gradient norm"):
        load_run(digits, a_run(digits, "sgld", "failed"))


def test_an_unknown_run_is_one_line(digits: Path):
    with pytest.raises(ReportError, match="no run"):
        load_run(digits, "zzz")


def test_every_diagnostic_says_what_to_look_for():
    assert all(one.draw.__doc__ for one in DIAGNOSTICS.values())


def test_the_mean_of_the_drawn_series_is_the_estimate(digits: Path):
    """Burn-in left out, n beta applied: the plots and the table speak of the same number."""
    run = load_run(digits, a_run(digits, "hmc"))
    assert run.num_warmup_draws == 20
    assert run.llc_draws.mean() == pytest.approx(run.row["llc"], rel=1e-6)


def test_ranks_of_one_distribution_fill_all_bins_alike():
    series = np.random.default_rng(0).standard_normal((4, 4000))
    counts = statistics.rank_counts(series)
    expected = 4000 / statistics.NUM_RANK_BINS
    assert counts.sum() == series.size
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_a_shifted_chain_shows_in_its_ranks():
    series = np.random.default_rng(0).standard_normal((4, 1000))
    series[0] += 2.0
    counts = statistics.rank_counts(series)
    assert counts[0, -1] > 2 * counts[1:, -1].max()


def test_ranks_of_correlated_chains_stay_in_their_band_about_as_often_as_a_normal_would():
    """Two standard deviations hold 95%; the band of independent draws would hold about half of these counts."""
    rng, correlation = np.random.default_rng(0), 0.9
    series = rng.standard_normal((4, 8000))
    for draw in range(1, 8000):
        series[:, draw] = correlation * series[:, draw - 1] + np.sqrt(1 - correlation**2) * series[:, draw]
    off = np.abs(statistics.rank_counts(series) - 8000 / statistics.NUM_RANK_BINS)
    within = (off < 2 * statistics.rank_spread(series, statistics.NUM_RANK_BINS)).mean()
    assert within > 0.9


def test_effective_draws_grow_with_draws():
    series = np.random.default_rng(0).standard_normal((4, 2000))
    ess = statistics.ess_evolution(series, "bulk")
    assert ess[-1] == pytest.approx(8000, rel=0.15)
    assert ess[0] < ess[-1] / 5


def test_export_reads_back_with_burn_in_apart(digits: Path, tmp_path: Path):
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5py")
    path = export_netcdf(digits, a_run(digits, "hmc"), tmp_path / "run.nc")
    with xarray.open_datatree(path, engine="h5netcdf") as tree:
        assert float(tree["posterior"]["llc"].mean()) == pytest.approx(tree.attrs["llc"], rel=1e-6)
        assert tree["warmup_posterior"]["llc"].sizes["draw"] == 20
        assert "acceptance_rate" in tree["sample_stats"]


def test_promotion_gives_fixed_names_and_a_gallery_that_shows_them(digits: Path, tmp_path: Path):
    files = promote(digits, tmp_path, plots=["rank"])
    assert [path.name for path in files] == [
        "digits_noise.png", "hmc_rank.png", "mclmc_rank.png", "sgld_rank.png", "gallery.md",
    ]  # fmt: skip
    gallery = (tmp_path / "gallery.md").read_text()
    assert all(f"({path.name})" in gallery for path in files[:-1])
