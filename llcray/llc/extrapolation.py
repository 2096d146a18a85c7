"""Limits that estimates at several inverse temperatures, or at two step sizes, point to. NumPy in, numbers out.

At fixed gamma, y(t) = t E[L - L*] approaches lambda as t = n beta grows (Watanabe 2009, section 7.1; theorem 6.7):

    y = lambda                              one term dominates the free energy
    y = lambda - b/t^p, p = 1, 3/4, 1/2     gamma holds quadratic or quartic directions back, or both kinds
    y = lambda - (m - 1)/(log t + c)        multiplicity m: Z(t) ~ (log t + c)^(m - 1)/t^lambda

All of these models are fitted by weighted least squares with b and c free and m = 2, 3. The noise rarely tells which
model holds, so their answers are averaged with Akaike weights, and the disagreement of the models is part of the error
(Burnham & Anderson 2002, Model Selection and Multimodel Inference, eqs. 4.1, 4.9). A pole of order m counts as m
parameters, since m terms coincide.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

Numbers = Sequence[float] | np.ndarray
POWERS = {"b/t": 1.0, "b/t^(3/4)": 0.75, "b/t^(1/2)": 0.5}
MULTIPLICITIES = (2, 3)
# Grid of log t + c at the smallest t: the expansion makes sense from the first value on, and is flat at the last.
FIRST_LOG, LAST_LOG, NUM_LOGS = 1.0, 200.0, 200


class Fit(NamedTuple):
    """The answer of one model.

    Attributes:
        model: Formula of the model.
        llc: lambda, nats.
        se: Standard error of `llc` if the model holds.
        multiplicity: m.
        misfit: Sum of squared standardised residuals.
        num_parameters: Parameters fitted.
        weight: Share of the model in the average.
    """

    model: str
    llc: float
    se: float
    multiplicity: int
    misfit: float
    num_parameters: int
    weight: float = 0.0


class Extrapolation(NamedTuple):
    """The average over models as t -> infinity.

    Attributes:
        llc: lambda, nats.
        se: Standard error of lambda, disagreement of the models included.
        multiplicity: m.
        fits: The models that were averaged.
    """

    llc: float
    se: float
    multiplicity: float
    fits: tuple[Fit, ...]


def extrapolate_temperature(n_betas: Numbers, llcs: Numbers, ses: Numbers) -> Extrapolation:
    """lambda and multiplicity from estimates at one gamma and several temperatures.

    Args:
        n_betas: t of each estimate, at least two different values.
        llcs: y(t), nats.
        ses: Standard errors of y.

    Raises:
        ValueError: Fewer than two temperatures.
    """
    t, y, se = (np.asarray(values, float) for values in (n_betas, llcs, ses))
    if len(set(n_betas)) < 2:
        raise ValueError(f"{len(set(n_betas))} temperature cannot be extrapolated from. Give at least two.")
    if not np.isfinite([t, y, se]).all():
        return Extrapolation(float("nan"), float("nan"), float("nan"), ())
    return _averaged(list(_fits(t, y, se)), len(t))


def extrapolate_step_size(steps: tuple[float, float], llcs: tuple[float, float], ses: tuple[float, float]) -> Fit:
    """Two-step Richardson extrapolation: the line through two estimates, at step 0.

    Args:
        steps: The power of the step size that the bias is proportional to: epsilon, or h^2.
        llcs: Estimates from which no bias was subtracted, nats.
        ses: Standard errors of the estimates.
    """
    (x1, x2), (y1, y2), (s1, s2) = steps, llcs, ses
    if x1 == x2:
        return Fit("line in the step", float("nan"), float("nan"), 1, 0.0, 2)
    first, second = x2 / (x2 - x1), x1 / (x1 - x2)
    return Fit("line in the step", first * y1 + second * y2, float(np.hypot(first * s1, second * s2)), 1, 0.0, 2)


def _fits(t: np.ndarray, y: np.ndarray, se: np.ndarray) -> Iterator[Fit]:
    yield _line("lambda", np.empty((len(t), 0)), y, se)
    powers = [_line(model, -((t / t.max())[:, None] ** -power), y, se) for model, power in POWERS.items()]
    # The power lies anywhere between those that are tried: a uniform distribution over a step of the grid.
    steps = np.abs(np.gradient([fit.llc for fit in powers]))
    yield from (
        fit._replace(se=float(np.hypot(fit.se, step / 12**0.5))) for fit, step in zip(powers, steps, strict=True)
    )
    for multiplicity in MULTIPLICITIES:
        yield _logarithm(multiplicity, np.log(t), y, se)


def _line(model: str, columns: np.ndarray, y: np.ndarray, se: np.ndarray) -> Fit:
    """The model that is linear in a constant and the given columns."""
    design = np.column_stack([np.ones(len(y)), columns])
    solution, covariance, misfit = _solve(design, y, se)
    return Fit(model, solution[0], float(np.sqrt(covariance[0, 0])), 1, misfit, design.shape[1])


def _logarithm(multiplicity: int, log_t: np.ndarray, y: np.ndarray, se: np.ndarray) -> Fit:
    """The model with a pole, at the best c of a grid; the error of lambda comes from the linearisation at that c."""
    order = multiplicity - 1
    candidates = []
    for first in np.geomspace(FIRST_LOG, LAST_LOG, NUM_LOGS):
        logs = log_t - log_t.min() + first
        solution, _, misfit = _solve(np.ones((len(y), 1)), y + order / logs, se)
        candidates.append((misfit, solution[0], logs))
    misfit, llc, logs = min(candidates, key=lambda candidate: candidate[0])
    _, covariance, _ = _solve(np.column_stack([np.ones(len(y)), order / logs**2]), y, se)
    se_llc = float(np.sqrt(covariance[0, 0]))
    return Fit(f"{order}/(log t + c)", llc, se_llc, multiplicity, misfit, multiplicity)


def _solve(design: np.ndarray, y: np.ndarray, se: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Solution, its covariance and the sum of squared standardised residuals of weighted least squares."""
    weighted, target = design / se[:, None], y / se
    covariance = np.linalg.pinv(weighted.T @ weighted)
    solution = covariance @ weighted.T @ target
    return solution, covariance, float(np.sum((target - weighted @ solution) ** 2))


def _averaged(fits: list[Fit], num_points: int) -> Extrapolation:
    """The average with Akaike weights; its error grows where even the best model fits worse than the noise allows."""
    scores = np.array([fit.misfit + 2 * fit.num_parameters for fit in fits])
    best = fits[int(scores.argmin())]
    spare = num_points - best.num_parameters
    inflation = max(1.0, best.misfit / spare) if spare > 0 else 1.0
    weights = np.exp(-0.5 * (scores - scores.min()) / inflation)
    weights /= weights.sum()
    llc = float(sum(w * fit.llc for w, fit in zip(weights, fits, strict=True)))
    variance = sum(w * (inflation * fit.se**2 + (fit.llc - llc) ** 2) for w, fit in zip(weights, fits, strict=True))
    multiplicity = float(sum(w * fit.multiplicity for w, fit in zip(weights, fits, strict=True)))
    weighted = tuple(fit._replace(weight=float(w)) for fit, w in zip(fits, weights, strict=True))
    return Extrapolation(llc, float(np.sqrt(variance)), multiplicity, weighted)
