"""What exact moves along the symmetries of a loss buy: mixing of the loss, of the distance from w*, and lambda(gamma).

    python benchmarks/symmetry_moves.py

A symmetry w -> g w leaves L_n as it is and moves w far. Chains of underdamped Langevin dynamics (BAOAB, full gradients)
are compared with the same chains that make such moves besides, accepted with the probability

    min(1, exp(-gamma/2 (|g w - w*|^2 - |w - w*|^2)) |det dg/dw|),    g = exp(sigma Z), Z and -Z equally probable,

which costs no gradient and no loss:

    deep linear    W_1 -> W_1 A, W_2 -> A^-1 W_2, A any invertible matrix     |det A|^(rows of W_1 - columns of W_2)
    ReLU           weights into a unit times a > 0, out of it divided by a    a^(weights in - weights out)

Everything is NumPy in float64, with nothing of llcray but its summaries.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.linalg import expm

from llcray.llc.summary import summarize

NUM_CHAINS, NUM_DRAWS, STEPS_PER_DRAW, MOVES_PER_DRAW = 16, 1200, 16, 10
STABLE, DAMPING, NOISE = 0.05, 0.05, 0.1
ACCEPTANCE = 0.3
DISCARDED = NUM_DRAWS // 3

Matrices = list[np.ndarray]
Moves = Callable[[np.random.Generator, Matrices, float], tuple[Matrices, np.ndarray]]


@dataclass(frozen=True)
class Problem:
    """A posterior exp(-t L - gamma/2 |w - w*|^2).

    Attributes:
        name: As it reads in the table.
        center: Matrices (in, out) of w*.
        loss: `matrices (chain, in, out) -> (t L (chain,), its gradient)`.
        propose: A move along the symmetries, with the logarithm of its Jacobian.
        localization: gamma.
    """

    name: str
    center: Matrices
    loss: Callable[[Matrices], tuple[np.ndarray, Matrices]]
    propose: Moves
    localization: float = 0.0

    def squared_distance(self, matrices: Matrices) -> np.ndarray:
        """|w - w*|^2, shape (chain,)."""
        return np.sum([((w - c) ** 2).sum(axis=(1, 2)) for w, c in zip(matrices, self.center, strict=True)], axis=0)


def main() -> None:
    """Prints the table."""
    print("| target | gamma | moves | LLC | R-hat | ESS | gamma E dist^2 | R-hat | ESS | accepted |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for problem in (deep_linear(7, 9, 5, rank=4), relu(6, 8, 3)):
        curvature = largest_curvature(problem)
        for ratio in (3e3, 3e4):
            localized = replace(problem, localization=curvature / ratio)
            for has_moves in (False, True):
                print(row(localized, curvature, ratio, has_moves), flush=True)


def row(problem: Problem, curvature: float, ratio: float, has_moves: bool) -> str:
    """One line of the table."""
    losses, distances, accepted = sample(problem, np.sqrt(STABLE / curvature), has_moves)
    loss, held = summarize(losses), summarize(problem.localization * distances)
    numbers = [f"{s.mean:.2f} ± {s.mcse:.2g} | {s.rhat:.3f} | {s.ess_bulk:.0f}" for s in (loss, held)]
    moves = f"{accepted:.0%}" if has_moves else ""
    return (
        f"| {problem.name} | curvature/{ratio:g} | {'yes' if has_moves else 'no'} | {' | '.join(numbers)} | {moves} |"
    )


def sample(problem: Problem, h: float, has_moves: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Draws t L and |w - w*|^2, each of shape (chain, draw), and the share of moves accepted."""
    rng, c = np.random.default_rng(0), np.exp(-DAMPING)
    w = [np.repeat(center[None], NUM_CHAINS, axis=0) for center in problem.center]
    p = [rng.standard_normal(x.shape) for x in w]
    losses, distances, sigma, accepted = [], [], 0.1, []
    loss, gradient = gradient_of(problem, w)
    for draw in range(NUM_DRAWS):
        for _ in range(STEPS_PER_DRAW):
            p = [m - 0.5 * h * g for m, g in zip(p, gradient, strict=True)]
            w = [x + 0.5 * h * m for x, m in zip(w, p, strict=True)]
            p = [c * m + np.sqrt(1 - c**2) * rng.standard_normal(m.shape) for m in p]
            w = [x + 0.5 * h * m for x, m in zip(w, p, strict=True)]
            loss, gradient = gradient_of(problem, w)
            p = [m - 0.5 * h * g for m, g in zip(p, gradient, strict=True)]
        for _ in range(MOVES_PER_DRAW * has_moves):
            w, is_accepted = move(rng, problem, w, sigma)
            if draw < DISCARDED:
                sigma *= np.exp(0.1 * (is_accepted.mean() - ACCEPTANCE))
            else:
                accepted.append(is_accepted.mean())
        if has_moves:
            gradient = gradient_of(problem, w)[1]
        losses.append(loss)
        distances.append(problem.squared_distance(w))
    kept = np.stack(losses[DISCARDED:], axis=1), np.stack(distances[DISCARDED:], axis=1)
    return *kept, float(np.mean(accepted or [0.0]))


def gradient_of(problem: Problem, w: Matrices) -> tuple[np.ndarray, Matrices]:
    """t L and the gradient of -log p."""
    loss, gradient = problem.loss(w)
    away = (x - center for x, center in zip(w, problem.center, strict=True))
    return loss, [g + problem.localization * offset for g, offset in zip(gradient, away, strict=True)]


def move(rng: np.random.Generator, problem: Problem, w: Matrices, sigma: float) -> tuple[Matrices, np.ndarray]:
    """One Metropolis move along the symmetries, and which chains made it."""
    proposed, log_jacobian = problem.propose(rng, w, sigma)
    rise = 0.5 * problem.localization * (problem.squared_distance(proposed) - problem.squared_distance(w))
    is_accepted = np.log(rng.random(NUM_CHAINS)) < log_jacobian - rise
    chosen = is_accepted[:, None, None]
    return [np.where(chosen, new, old) for new, old in zip(proposed, w, strict=True)], is_accepted


def deep_linear(*widths: int, rank: int, num_data: int = 5000) -> Problem:
    """An aligned deep linear teacher with whitened inputs and noise of standard deviation 0.1."""
    rng, t = np.random.default_rng(1), num_data / np.log(num_data) / NOISE**2
    bases = [np.linalg.qr(rng.standard_normal((width, width)))[0][:, :rank] for width in widths]
    first, second = (before @ after.T for before, after in pairwise(bases))

    def loss(matrices: Matrices) -> tuple[np.ndarray, Matrices]:
        a, b = matrices
        residual = a @ b - first @ second
        gradients = [t * residual @ b.transpose(0, 2, 1), t * a.transpose(0, 2, 1) @ residual]
        return 0.5 * t * (residual**2).sum(axis=(1, 2)), gradients

    def propose(rng: np.random.Generator, w: Matrices, sigma: float) -> tuple[Matrices, np.ndarray]:
        z = sigma * rng.standard_normal((NUM_CHAINS, widths[1], widths[1]))
        log_jacobian = (widths[0] - widths[2]) * np.trace(z, axis1=1, axis2=2)
        return [w[0] @ expm(z), expm(-z) @ w[1]], log_jacobian

    return Problem(f"deep linear {'-'.join(map(str, widths))} of rank {rank}", [first, second], loss, propose)


def relu(num_inputs: int, num_units: int, num_outputs: int, num_data: int = 300) -> Problem:
    """A ReLU network without biases that is its own teacher, with noise of standard deviation 0.1."""
    rng, t = np.random.default_rng(2), num_data / np.log(num_data) / NOISE**2
    x = rng.standard_normal((num_data, num_inputs))
    first = rng.standard_normal((num_inputs, num_units)) / np.sqrt(num_inputs)
    second = rng.standard_normal((num_units, num_outputs)) / np.sqrt(num_units)
    y = np.maximum(x @ first, 0) @ second

    def loss(matrices: Matrices) -> tuple[np.ndarray, Matrices]:
        a, b = matrices
        hidden = np.maximum(x @ a, 0)
        residual = hidden @ b - y
        back = (residual @ b.transpose(0, 2, 1)) * (hidden > 0)
        gradients = [t / num_data * g for g in (x.T @ back, hidden.transpose(0, 2, 1) @ residual)]
        return 0.5 * t / num_data * (residual**2).sum(axis=(1, 2)), gradients

    def propose(rng: np.random.Generator, w: Matrices, sigma: float) -> tuple[Matrices, np.ndarray]:
        z = sigma * rng.standard_normal((NUM_CHAINS, num_units))
        moved = [w[0] * np.exp(z)[:, None, :], w[1] * np.exp(-z)[:, :, None]]
        return moved, (num_inputs - num_outputs) * z.sum(axis=1)

    return Problem(f"ReLU {num_inputs}-{num_units}-{num_outputs}", [first, second], loss, propose)


def largest_curvature(problem: Problem) -> float:
    """The largest curvature of t L at w*, by 50 power iterations on differences of gradients."""
    rng, small, value = np.random.default_rng(3), 1e-5, 0.0
    vector = [rng.standard_normal(center.shape) for center in problem.center]
    for _ in range(50):
        length = np.sqrt(sum((v**2).sum() for v in vector))
        vector = [v / length for v in vector]
        ahead, behind = (
            problem.loss([(center + sign * small * v)[None] for center, v in zip(problem.center, vector, strict=True)])[
                1
            ]
            for sign in (1, -1)
        )
        vector = [(a - b)[0] / (2 * small) for a, b in zip(ahead, behind, strict=True)]
        value = float(np.sqrt(sum((v**2).sum() for v in vector)))
    return value


if __name__ == "__main__":
    main()
