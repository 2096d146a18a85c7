"""The virial identity, which sees chains that have not arrived although they agree with each other.

For any smooth posterior exp(-U), integration by parts gives

    E[(w - w*)'grad U] = d.

Directions that chains have not spread in are missing from it. With U = t L + gamma/2 |w - w*|^2 and t = n beta, one
part of it counts the directions that gamma holds, gamma E|w - w*|^2, and the rest over t E[L - L*] is the degree of the
loss along the draws, 2 where it is quadratic.
"""

from typing import NamedTuple

import numpy as np

from llcray.llc.summary import standard_error


class Virial(NamedTuple):
    """The virial identity on the draws.

    Attributes:
        value: E[(w - w*)'grad U] less twice the heat, directions: d at stationarity, less where chains have not
            arrived.
        se: Standard error of `value`.
        num_held: gamma E|w - w*|^2, directions.
        degree: Degree of the loss along the draws; NaN where it is not known.
        degree_se: Standard error of `degree`.
    """

    value: float
    se: float
    num_held: float
    degree: float
    degree_se: float


def virial_of(
    virial: np.ndarray, heat: np.ndarray, raw: np.ndarray, squared_distance: np.ndarray, localization: float
) -> Virial:
    """The virial identity on kept draws of healthy chains.

    A step size that heats every direction i by dT_i raises the virial by the sum of dT_i, which is twice the heat
    (`llcray.llc.step_bias`); twice the heat is therefore subtracted.

    Args:
        virial: (w - w*)'grad U, shape (chain, draw), directions; NaN where the sampler has none.
        heat: Heat, same shape, nats; NaN where the sampler has none.
        raw: t (L - L*), same shape, nats.
        squared_distance: |w - w*|^2, same shape.
        localization: gamma.
    """
    held = localization * squared_distance
    num_held = float(held.mean()) if held.size else float("nan")
    if not np.isfinite(virial).all() or not virial.size:
        return Virial(float("nan"), float("nan"), num_held, float("nan"), float("nan"))
    series = virial - 2 * np.nan_to_num(heat)
    mean_raw = float(raw.mean())
    of_loss = (virial - held) / mean_raw if mean_raw else np.full(virial.shape, np.nan)
    degree, degree_se = float(of_loss.mean()), standard_error(of_loss)
    return Virial(float(series.mean()), standard_error(series), num_held, degree, degree_se)
