"""The one-page report: what is in the file, and what it says."""

import json
import re
from pathlib import Path

import llcray_storage as ls
import polars as pl
import pytest
from llcray_storage.schema.tables import axis_column_names

from llcray.report.errors import ReportError
from llcray.report.page.agreement import disagreements
from llcray.report.page.effects import effects
from llcray.report.page.page import write_report
from llcray.report.page.summary import costs
from llcray.report.page.training import along_training
from llcray.report.varying import prepared
from llcray.report.verdict_filter import outcome

LOADS_SOMETHING = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["'](?!data:)[^"']""")


@pytest.fixture(scope="module")
def page(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    question = "Does <b>noise</b> raise </script> the LLC?"
    return write_report(digits, None, tmp_path_factory.mktemp("page") / "report.html", question)


def data_of(page: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


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


def test_the_question_and_the_file_come_from_the_dataset(training: Path, tmp_path: Path):
    source = "name: training\n# why\n"
    ls.Dataset.open(training).write_sweep_file(ls.SweepFile("training", "When does it learn?", source, ("seed=1",)))
    page = write_report(training, None, tmp_path / "report.html")
    assert "<h1>When does it learn?</h1>" in page.read_text()
    [asked] = data_of(page)["asked"]
    assert (asked["source"], asked["overrides"]) == (source, "--set seed=1")
    assert len(data_of(page)["stages"]) == 12


def test_what_training_changed_is_a_mean_over_trajectories(training: Path):
    """Both ways, two seeds each: the error is the spread of the changes; the escaped first estimates are counted."""
    runs = prepared(ls.scan_runs(training)).with_columns(outcome())
    found = along_training(runs)
    assert found["axes"] == ["label"] and found["success"] is None and found["sparsities"] == []
    rows = {row["label"]: row for row in found["rows"]}
    assert {row["num"] for row in rows.values()} == {2} and {row["doubtful"] for row in rows.values()} == {2}
    ends = runs.filter(pl.col("label") == "direct", pl.col("step") == 10_000)["llc"].to_numpy()
    direct = rows["direct"]
    assert (direct["first_step"], direct["last_step"], direct["first"]) == (0, 10_000, -3.0)
    assert direct["change"] == pytest.approx(ends.mean() + 3)
    assert direct["error"] == pytest.approx(ends.std(ddof=1) / 2**0.5)


def test_sparsity_and_success_stand_beside_the_change_of_one_trajectory(training: Path):
    runs = prepared(ls.scan_runs(training)).with_columns(outcome())
    runs = runs.filter(pl.col("label") == "direct", pl.col("seed") == 0)
    share = pl.when(pl.col("step") == 0).then(1.0).otherwise(0.25)
    found = along_training(runs.with_columns(test_reward=1.1 - share, update_sparsity_tolerance=share))
    [row] = found["rows"]
    assert (found["success"], found["sparsities"]) == ("test_reward", ["update_sparsity_tolerance"])
    assert (row["before"], row["after"]) == (pytest.approx(0.1), pytest.approx(0.85))
    assert row["update_sparsity_tolerance"] == 0.25
    assert found["settings"] == ["method_learning_rate", "method_weights"] and set(found["settings"]) <= set(row)
    ends = runs.sort("step")["llc_mcse"]
    assert row["error"] == pytest.approx((ends[0] ** 2 + ends[-1] ** 2) ** 0.5)


def test_the_seconds_of_a_training_are_counted_once_for_all_its_checkpoints(training: Path):
    runs = prepared(ls.scan_runs(training)).with_columns(outcome())
    built = costs(runs.with_columns(trajectory_id=pl.col("series_id"), build_seconds=pl.lit(60.0)))[-1]
    assert built == {"sampler": "4 targets or trainings, done once", "device_seconds": 240.0}


def test_runs_link_to_the_diagnostics_that_were_drawn(digits: Path, tmp_path: Path):
    run_id = data_of(write_report(digits, None, tmp_path / "first.html"))["runs"]["columns"]["run_id"][0]
    drawn = digits / "plots" / "digits_noise" / run_id / "hmc_rank.png"
    drawn.parent.mkdir(parents=True)
    drawn.touch()
    page = write_report(digits, None, tmp_path / "report.html")
    linked = data_of(page)["diagnostics"]
    assert linked["runs"] == {run_id: ["hmc_rank.png"]}
    assert (page.parent / linked["folder"] / run_id / "hmc_rank.png").samefile(drawn)


def test_disagreement_is_counted_in_standard_errors():
    runs = pl.DataFrame(
        {
            "run_id": ["a", "b", "c"],
            "target_id": ["t", "t", "other"],
            "schema_version": 1,
            "component": "all",
            "n_beta": 100.0,
            "loss_on": pl.Series([None] * 3, dtype=pl.String),
            "sampler": ["hmc", "sgld", "sgld"],
            "sampler_kind": ["hmc", "sgld", "sgld"],
            "outcome": "ok",
            "llc": [10.0, 15.0, 99.0],
            "llc_sampling_se": [0.6, 0.8, 1.0],
        }
    )
    missing = {name: pl.lit(None, pl.Float64) for name in sampler_columns() if name not in runs.columns}
    [pair] = disagreements(runs.with_columns(**missing)).to_dicts()
    assert (pair["run_a"], pair["run_b"]) == ("a", "b")
    assert pair["z"] == pytest.approx(-5.0)


def sampler_columns() -> list[str]:
    return [name for name in axis_column_names() if name.startswith("sampler_")]


def test_an_effect_is_the_mean_difference_of_targets_alike_in_all_else(tmp_path: Path):
    """Noise lowers the LLC by 4 and 6 in two matched pairs; a seed without a partner moves nothing."""
    dataset = ls.Dataset.create_or_open(tmp_path / "results")
    for seed, rate, llc in ((0, 0.1, 20.0), (0, 0.3, 16.0), (1, 0.1, 30.0), (1, 0.3, 24.0), (2, 0.3, 900.0)):
        for sampler, shift in (("hmc", -1.0), ("sgld", 1.0)):
            row = {"run_id": f"{sampler}-{seed}-{round(10 * rate)}", "sweep": "s", "status": "done", "verdict": "ok"}
            row |= {"noise_rate": rate, "seed": seed, "sampler_kind": sampler, "llc": llc + shift}
            dataset.write_run(row | {"target_id": f"t{seed}{rate}"})
    runs = prepared(ls.scan_runs(tmp_path / "results")).with_columns(outcome())
    [effect] = effects(runs)
    assert (effect.axis, effect.first, effect.last, effect.num_blocks) == ("noise_rate", 0.1, 0.3, 2)
    assert effect.difference == pytest.approx(-5.0)
    assert effect.error == pytest.approx(1.0)  # sd of (-4, -6) is sqrt(2); over sqrt(2) pairs
    assert effect.relative == pytest.approx(-0.2)
