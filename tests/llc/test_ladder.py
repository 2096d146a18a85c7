"""A plateau of lambda(gamma) is found where there is one, and only there."""

import math

import pytest

from llcray.llc.ladder import Rung, find_plateau

GAMMAS = (100.0, 10.0, 1.0, 0.1)
NAN = math.nan


def rungs(llcs: tuple[float, ...], verdicts: str = "", promised: float = NAN, se: float = 0.02) -> list[Rung]:
    """Rungs of falling gamma; a verdict is written `o` where it is ok, and `n` where it is not."""
    names = {"o": "ok", "n": "not_converged"}
    words = [names[letter] for letter in verdicts or "o" * len(llcs)]
    return [
        Rung(gamma, llc, se, word, promised) for gamma, llc, word in zip(GAMMAS[: len(llcs)], llcs, words, strict=True)
    ]


@pytest.mark.parametrize(
    ("found", "members", "llc"),
    [
        (rungs((2.0, 2.01, 1.99, 2.0)), (3, 2, 1, 0), 2.0),
        (rungs((0.87, 1.6, 1.98, 2.0)), (3, 2), 1.99),
        (rungs((0.5, 1.98, 2.0, 5.0), "ooon"), (2, 1), 1.99),
    ],
    ids=["flat", "below every curvature", "as far as chains arrive"],
)
def test_a_plateau_is_the_weakest_rungs_that_agree(found: list[Rung], members: tuple[int, ...], llc: float) -> None:
    plateau = find_plateau(found)
    assert plateau is not None and plateau.members == members
    assert plateau.llc == pytest.approx(llc, abs=0.005)
    assert plateau.se == pytest.approx(0.02 / math.sqrt(len(members)))


@pytest.mark.parametrize(
    "found",
    [
        rungs((31.0, 73.0, 101.0, 130.0)),
        rungs((0.50, 0.51, 0.62, 1.2), "oonn", promised=2.0),
        rungs((2.0, 0.0, 2.0, 2.0), "onon"),
        rungs((2.0, 2.0, 2.0, 2.0), "nnnn"),
        rungs((2.0, 2.0), "no"),
    ],
    ids=["it rises throughout", "all is held on both rungs", "none beside", "none to trust", "one to trust"],
)
def test_no_plateau_is_made_up(found: list[Rung]) -> None:
    assert find_plateau(found) is None
