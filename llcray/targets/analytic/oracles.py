"""Known answers of the analytic targets, in the form a target carries them (`llcray.targets.target.Oracle`)."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from llcray.targets.analytic.quadrature import even_power_excess, monomial_excess, product_at_zero_excess
from llcray.targets.target import TrueLLC


@dataclass(frozen=True)
class QuadraticOracle:
    """The answer of a quadratic loss, whose posterior is normal.

    t E[L - L*] = sum_i 1/2 t h_i/(t h_i + gamma), and half the rank of the Hessian as n goes to infinity.
    """

    eigenvalues: tuple[float, ...]

    def asymptotic(self) -> TrueLLC:
        rank = sum(eigenvalue > 0 for eigenvalue in self.eigenvalues)
        return TrueLLC(rank / 2, "local", "half the rank of the Hessian of a regular model", 1)

    def at_temperature(self, n_beta: float, localization: float) -> TrueLLC:
        h = n_beta * np.asarray(self.eigenvalues)
        h = h[h > 0]
        return TrueLLC(float(np.sum(h / (h + localization)) / 2), "finite_temperature", "normal integral", 1)


@dataclass(frozen=True)
class MonomialOracle:
    """The answer of K = (prod_i w_i^p_i)^2.

    As n goes to infinity it is the smallest 1/(2 p_i), with as many poles as attain it.
    """

    powers: tuple[int, ...]

    def asymptotic(self) -> TrueLLC:
        counts = Counter(self.powers)
        highest = max(counts)
        source = "Watanabe 2009, Algebraic Geometry and Statistical Learning Theory, theorem 2.4: normal crossing"
        return TrueLLC(1 / (2 * highest), "local", source, counts[highest])

    def at_temperature(self, n_beta: float, localization: float) -> TrueLLC | None:
        """The answer by quadrature, for up to two powers above 0."""
        value = monomial_excess(self.powers, n_beta, localization)
        return None if value is None else TrueLLC(value, "finite_temperature", "quadrature")


@dataclass(frozen=True)
class EvenPowersOracle:
    """The answer of K = sum_i w_i^p_i, whose coordinates are independent: sum_i 1/p_i as n goes to infinity."""

    powers: tuple[int, ...]

    def asymptotic(self) -> TrueLLC:
        value = sum(1 / power for power in self.powers)
        return TrueLLC(value, "local", "coefficients of independent sums add: 1/p for w^p", 1)

    def at_temperature(self, n_beta: float, localization: float) -> TrueLLC:
        value = sum(even_power_excess(power, n_beta, localization) for power in self.powers)
        return TrueLLC(value, "finite_temperature", "quadrature")


@dataclass(frozen=True)
class DeepLinearOracle:
    """A deep linear teacher at w*.

    Attributes:
        answer: The asymptotic answer.
        widths: H_0, ..., H_L.
        curvature: c where the loss is c/2 |W - W*|^2 exactly (whitened inputs); None where it is not.
        at_origin: Whether w* = 0.
    """

    answer: TrueLLC
    widths: tuple[int, ...]
    curvature: float | None
    at_origin: bool

    def asymptotic(self) -> TrueLLC:
        return self.answer

    def at_temperature(self, n_beta: float, localization: float) -> TrueLLC | None:
        """The answer for one matrix (a normal posterior) and for two at the origin (one factor integrates out)."""
        if self.curvature is None:
            return None
        if len(self.widths) == 2:
            size = self.widths[0] * self.widths[1]
            return QuadraticOracle((self.curvature,) * size).at_temperature(n_beta, localization)
        if len(self.widths) == 3 and self.at_origin:
            first, hidden, last = self.widths
            value = product_at_zero_excess((first, hidden, last), n_beta, localization, self.curvature)
            return None if value is None else TrueLLC(value, "finite_temperature", "quadrature over eigenvalues")
        return None
