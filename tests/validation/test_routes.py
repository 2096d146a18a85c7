"""Which routes to an LLC agree, from rows of the dataset."""

import io

import polars as pl
from rich.console import Console

from llcray.validation.routes import disagreements, print_routes


def row(kind: str, llc: float, se: float, verdict: str = "ok") -> dict[str, object]:
    return {
        "case": "a target",
        "sampler_kind": kind,
        "llc": llc,
        "llc_sampling_se": se,
        "verdict": verdict,
        "verdict_reason": "" if verdict == "ok" else "Pareto k-hat is 2.",
        "status": "done",
        "true_llc": 10.0,
        "true_llc_kind": "finite_temperature",
    }


ROWS = [
    row("auto", 10.1, 0.1),
    row("hmc", 9.9, 0.1),
    row("laplace", 12.0, 0.2),
    row("variational", 90.0, 1, "biased_weights"),
]


def test_routes_apart_by_more_than_three_errors_disagree_and_doubted_ones_do_not_count() -> None:
    apart = {(a, b) for a, b, _ in disagreements(ROWS)}
    assert apart == {("auto", "laplace"), ("hmc", "laplace")}


def test_the_table_has_a_row_a_target_with_the_agreement_and_the_reason_of_a_doubt() -> None:
    out = io.StringIO()
    print_routes(pl.DataFrame(ROWS), Console(file=out, width=110, color_system=None))
    text = out.getvalue()
    assert "10.1±0.1" in text
    assert "1 of 3" in text
    assert "auto and laplace are 8.4 standard errors apart" in text
    assert "a target, variational: biased_weights: Pareto k-hat is 2." in text
    assert "90" not in text
