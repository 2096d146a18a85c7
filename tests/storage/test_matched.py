"""Means compare the same targets: what is dropped for one group is dropped for all that are compared with it."""

from typing import Any

import llcray_storage as ls
import polars as pl
import pytest

LEVELS = {"t0": 10.0, "t1": 20.0, "t2": 60.0}
"""The LLC of each target, on which all samplers agree."""


def write(dataset: ls.Dataset, doubted: set[tuple[str, str]], samplers: tuple[str, ...] = ("hmc", "sgld")) -> None:
    """A run of each sampler on each target; some are doubtful, and far off."""
    for sampler in samplers:
        for seed, (target, llc) in enumerate(LEVELS.items()):
            is_doubted = (sampler, target) in doubted
            row: dict[str, Any] = {
                "run_id": f"{sampler}-{target}",
                "target_id": target,
                "sweep": "s",
                "component": "all",
            }
            row |= {"status": "done", "verdict": "not_converged" if is_doubted else "ok", "seed": seed}
            row |= {"sampler_kind": sampler, "llc": 999.0 if is_doubted else llc, "noise_rate": 0.1}
            dataset.write_run(
                row | {"llc_sampling_se": 3.0 if sampler == "hmc" else 4.0, "localization_se": float(seed)}
            )


def means(root: str, **options: Any) -> dict[Any, tuple[Any, ...]]:
    table = ls.matched_means(ls.scan_runs(root), **{"compare": "sampler_kind", **options})
    return {row[-7]: row[-6:] for row in table.rows()}


def test_samplers_that_agree_have_one_mean_whatever_is_dropped(dataset, root):
    """Over all trusted runs hmc has (10 + 20)/2 = 15 and sgld 30: 15 nats apart where they agree to all digits."""
    write(dataset, {("hmc", "t2")})
    trusted = ls.scan_runs(root).filter(pl.col("verdict") == "ok")
    unmatched = dict(trusted.group_by("sampler_kind").agg(pl.col("llc").mean()).collect().iter_rows())
    assert unmatched["sgld"] - unmatched["hmc"] == pytest.approx(15.0)
    found = means(root)
    assert found["hmc"][0] == found["sgld"][0] == pytest.approx(15.0)
    assert [found[sampler][-2:] for sampler in ("hmc", "sgld")] == [(2, 2), (2, 3)]


def test_a_mean_has_both_parts_of_its_error(dataset, root):
    """Two runs of 3 each: sqrt(9 + 9)/2; localization moves all the same way, so its mean is no smaller."""
    write(dataset, {("hmc", "t2")})
    llc, sampling, localization, sd, *_ = means(root)["hmc"]
    assert (llc, sampling, localization) == (15.0, pytest.approx(18**0.5 / 2), 0.5)
    assert sd == pytest.approx(50**0.5)


def test_each_value_along_an_axis_is_matched_anew(dataset, root):
    write(dataset, {("hmc", "t2")})
    assert means(root, along=["seed"]) == means(root, along=["target_id"])
    table = ls.matched_means(ls.scan_runs(root), "sampler_kind", ["seed"])
    assert table.filter(pl.col("seed") == 2).select("sampler_kind", "llc", "num_matched").rows() == [
        ("hmc", None, 0),
        ("sgld", 60.0, 1),
    ]


def test_where_nothing_matches_there_is_no_mean(dataset, root):
    write(dataset, {("hmc", "t0"), ("hmc", "t1"), ("sgld", "t2")})
    assert {name: (row[0], row[-2]) for name, row in means(root).items()} == {"hmc": (None, 0), "sgld": (None, 0)}


def test_a_group_without_trusted_runs_takes_nothing_from_the_others(dataset, root):
    write(dataset, {("sgld", target) for target in LEVELS})
    found = means(root)
    assert found["hmc"][0] == pytest.approx(30.0) and found["sgld"][-2:] == (0, 0)


def test_targets_are_compared_by_what_they_share(dataset, root):
    write(dataset, {("hmc", "t2")})
    found = means(root, compare="target_id", match=["sampler_kind"])
    assert {name: row[0] for name, row in found.items()} == LEVELS
    with pytest.raises(ls.StorageError, match=r"have no target_id, component, loss_on in common.*such as 'seed'"):
        means(root, compare="target_id")


def test_a_dataset_without_trusted_runs_has_no_means(dataset, root):
    assert ls.matched_means(ls.scan_runs(root), "sampler_kind").is_empty()
    dataset.write_run({"run_id": "a", "sweep": "s", "status": "failed", "sampler_kind": "hmc"})
    assert means(root)["hmc"][-2:] == (0, 0)


def test_any_number_can_be_averaged(dataset, root):
    write(dataset, {("hmc", "t2")})
    assert means(root, y="seed")["sgld"] == (0.5, None, None, pytest.approx(0.5**0.5), 2, 3)
