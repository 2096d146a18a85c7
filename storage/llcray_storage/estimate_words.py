"""Writes an estimate for people: everywhere in the same two labelled parts, with its gamma and n beta beside it.

    33.84 ± 0.32 (sampling) ± 15 (localization)

The first is the sampling error: Monte Carlo error and what is uncertain of the step-size bias (column
`llc_sampling_se`). The second is how far a smaller localization gamma could move the level (column `localization_se`).
Terminal, log, plots, report page and Python take their words from here. Loads the standard library alone.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

ESTIMATE_HEADING = "LLC ± sampling\n± localization"
"""Head of a column of `estimate_cell`, in two lines."""
AT_THIS_GAMMA = "LLCs are at this gamma: a smaller one could move each by {}. Compare at one gamma."
AT_ITS_GAMMA = "Each LLC is at its own gamma: a smaller one could move it by {}. Compare at one gamma."
UNKNOWN = "?"
NEGLIGIBLE = 1e-6
"""Share of a value below which its error is written as none."""


def plus_minus(value: float | None, error: float | None) -> str:
    """Write a value and its error, both to the error's second digit: `21.34 ± 0.12`."""
    if value is None:
        return "-"
    error = _visible(error, value)
    if not error:
        return f"{value:.4g}"
    return f"{value:.{_digits(error)}f} ± {error_text(error)}"


def error_text(error: float | None) -> str:
    """Write an error to its second digit: `15`, `0.32`; `0` and `?` for none and for one that is not known."""
    if not _is_known(error):
        return UNKNOWN
    return f"{error:.{_digits(error)}f}" if error else "0"


def estimate_cell(llc: float | None, sampling: float | None, localization: float | None) -> str:
    """Write an estimate for a column that is headed `ESTIMATE_HEADING`: `33.84 ± 0.32 ± 15`.

    Args:
        llc: Estimate, nats; None for no estimate.
        sampling: Its sampling error, nats; None where it is not known.
        localization: How far a smaller localization could move it, nats; None where it is not known.
    """
    return _estimate(llc, sampling, localization, "", "")


def estimate_text(llc: float | None, sampling: float | None, localization: float | None = None) -> str:
    """Write an estimate as `33.84 ± 0.32 (sampling) ± 15 (localization)`.

    Args:
        llc: Estimate, nats; None for no estimate.
        sampling: Its sampling error, nats; None where it is not known.
        localization: How far a smaller localization could move it, nats; None where it is not known, which leaves this
            part out.
    """
    return _estimate(llc, sampling, localization, " (sampling)", " (localization)")


def setting_text(gammas: Iterable[float | None], n_betas: Iterable[float | None]) -> str:
    """Write localization and n beta of one run or of several: `gamma 20, n beta 144.8`, `gamma 8.1 to 31, ...`."""
    parts = [_range_text(name, values) for name, values in (("gamma", gammas), ("n beta", n_betas))]
    return ", ".join(part for part in parts if part)


def estimate_of(row: Mapping[str, Any]) -> str:
    """Write the estimate of a row of `runs` with its gamma and n beta, as a line says it.

    Args:
        row: Columns `llc`, `llc_sampling_se`, `localization_se`, `localization` and `n_beta`.
    """
    words = estimate_text(row["llc"], row["llc_sampling_se"], row["localization_se"])
    setting = setting_text([row["localization"]], [row["n_beta"]])
    return f"{words} at {setting}" if setting else words


def level_note(
    gammas: Iterable[float | None],
    n_betas: Iterable[float | None],
    localizations: Iterable[float | None] | None = None,
) -> str:
    """Write the sentences below a table or plot of estimates: their gamma and n beta, and what gamma decides.

    Args:
        gammas: Localization of each estimate.
        n_betas: n beta of each.
        localizations: How far a smaller localization could move each, nats, which the sentence then says; None where
            that stands beside each estimate.
    """
    known = [gamma for gamma in gammas if _is_known(gamma)]
    setting = setting_text(known, n_betas)
    if not any(known):
        return f"{setting[0].upper()}{setting[1:]}." if setting else ""
    sentence = AT_THIS_GAMMA if len(set(known)) == 1 else AT_ITS_GAMMA
    shift = "its ± localization" if localizations is None else _shift_text(localizations)
    return f"{setting[0].upper()}{setting[1:]}. {sentence.format(shift)}"


def _estimate(
    llc: float | None, sampling: float | None, localization: float | None, first_label: str, second_label: str
) -> str:
    if not _is_known(llc):
        return "-"
    sampling, localization = _visible(sampling, llc), _visible(localization, llc)
    if sampling is None and localization is None:
        return f"{llc:.4g}"
    value = plus_minus(llc, sampling) if sampling else f"{llc:.4g} ± {error_text(sampling)}"
    second = f" ± {error_text(localization)}{second_label}" if localization is not None else ""
    return f"{value}{first_label}{second}"


def _range_text(name: str, values: Iterable[float | None]) -> str:
    known = [value for value in values if _is_known(value)]
    if not known:
        return ""
    low, high = (f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}" for value in (min(known), max(known)))
    return f"{name} {low}" if low == high else f"{name} {low} to {high}"


def _shift_text(localizations: Iterable[float | None]) -> str:
    known = [value for value in localizations if _is_known(value)]
    if not known:
        return "an amount that is not known"
    low, high = error_text(min(known)), error_text(max(known))
    return f"{low if low == high else f'{low} to {high}'} nats (localization)"


def _is_known(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)


def _visible(error: float | None, value: float) -> float | None:
    """Return the error where it is known, and 0 where it is negligible beside the value."""
    if not _is_known(error):
        return None
    return error if abs(error) >= NEGLIGIBLE * abs(value) else 0.0


def _digits(error: float) -> int:
    """Return the decimals that show an error to its second digit."""
    # 9.98 is 10 to its second digit.
    return max(0, 1 - math.floor(math.log10(float(f"{error:.1e}"))))
