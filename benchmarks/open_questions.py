"""Draws the figures of docs/open_questions.md, and that of docs/experiments/samplers.md.

    python benchmarks/open_questions.py

Five come from tables that other benchmarks and experiments have written into pages, three from closed forms and
simulations in NumPy, made here in seconds.
"""

import re
from itertools import dropwhile, takewhile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.linalg import solve_discrete_lyapunov

from llcray.posterior.density import LOCALIZATION_RATIO
from llcray.report.colors import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from llcray.report.plots.axes import set_log_ticks
from llcray.report.plots.figures import save, style

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "figures" / "open_questions"
EFFICIENCY = ROOT / "benchmarks" / "efficiency.md"
PRECONDITIONERS = ROOT / "docs" / "experiments" / "preconditioners.md"
PAGE = ROOT / "docs" / "open_questions.md"
ROUTES = ROOT / "docs" / "routes.md"
SAMPLERS = ROOT / "docs" / "experiments" / "samplers.md"
RIGHT, WIDEST = 5.0, 100.0
"""Percent of the answer: what counts as right, and the ends of the axis, where larger errors stand."""
ALPHA = 0.05


def main() -> None:
    """Draws all."""
    FIGURES.mkdir(exist_ok=True)
    with style():
        draws = (
            step_bias,
            localization,
            preconditioners,
            momentum,
            symmetric_sweeps,
            microcanonical,
            symmetry_moves,
            volumes,
            fitted_densities,
            warm_starts,
        )
        for draw in draws:
            figure = Figure(figsize=(5.6, 2.6), layout="constrained")
            axes = figure.subplots()
            draw(axes)
            for axis in (axes.xaxis, axes.yaxis):
                if axis.get_scale() == "log":
                    set_log_ticks(axis, *axis.get_view_interval())
            save(figure, FIGURES / f"{draw.__name__}.png")
        save(_samplers(), SAMPLERS.parent / "figures" / "samplers.png")


def step_bias(axes: Axes) -> None:
    """The error of SGLD by its step, and that of `auto`."""
    _, *rows = _table(EFFICIENCY, "deep linear 47-22-25")
    points = [(float(name.split()[2]), *_percent(error)) for name, *_, error, _, _ in rows if name.startswith("sgld, ")]
    steps, errors, ses = np.array(points).T
    [(mean, se)] = [_percent(error) for name, *_, error, _, _ in rows if name == "auto"]
    axes.axhspan(mean - 2 * se, mean + 2 * se, color=GREY, alpha=0.3, lw=0)
    axes.axhline(mean, color=BLACK, label="auto, ± 2 standard errors")
    axes.errorbar(steps, errors, 2 * ses, color=BLUE, marker="o", capsize=3, label="SGLD")
    axes.set(xscale="log", xlabel="step size, share of the largest stable one", ylabel="error of the LLC, %")
    axes.legend()


def localization(axes: Axes) -> None:
    """lambda(gamma) of a regression of four parameters, one column of which is in other units."""
    n_beta, gammas = 1000 / np.log(1000), np.geomspace(1e-4, 1e5, 200)
    for factor, color in zip((1, 30, 100, 1000), (BLACK, BLUE, GREEN, VERMILION), strict=True):
        curvatures = n_beta * np.array([factor**2, 1, 1, 1])

        def llc(gamma: np.ndarray, curvatures: np.ndarray = curvatures) -> np.ndarray:
            return 0.5 * np.sum(curvatures / (curvatures + gamma[:, None]), axis=1)

        automatic = np.array([curvatures.max() / LOCALIZATION_RATIO])
        axes.plot(gammas, llc(gammas), color=color, label=f"column times {factor}")
        axes.plot(automatic, llc(automatic), color=color, marker="o")
    axes.set(xscale="log", xlabel="gamma (dots: automatic)", ylabel="LLC at gamma", ylim=(0, 2.1))
    axes.legend(loc="lower left")


def preconditioners(axes: Axes) -> None:
    """Work to 1% by mass and network."""
    header, *rows = _table(PRECONDITIONERS, "Work to 1%")
    masses, width = header[1:], 0.8 / (len(header) - 1)
    for number, (mass, color) in enumerate(zip(masses, (BLACK, BLUE, GREEN, VERMILION, ORANGE), strict=True)):
        places = np.arange(len(rows)) + (number - 0.5 * (len(masses) - 1)) * width
        work = [_number(row[1 + number]) for row in rows]
        axes.bar(places, work, width, color=color, label=mass.strip("`"))
    names = [row[0].split(",")[0].replace(" ", "\n", 1) for row in rows]
    axes.set(yscale="log", ylabel="gradients to 1%", xticks=np.arange(len(rows)), xticklabels=names)
    axes.legend(ncols=5, loc="upper center", bbox_to_anchor=(0.5, 1.18), frameon=False)


def momentum(axes: Axes) -> None:
    """Gradients of SGLD's best step over those of `auto` at equal total error."""
    names, ratios, reached, errors = [], [], [], []
    for heading, line in zip(*_comparisons("SGLD"), strict=True):
        names.append(heading.removeprefix("## ").split(" r")[0].replace(", ", "\n").replace(" MLP", ""))
        found = re.search(r"([\d.]+) times the gradients for (?:a total error of )?([\d.]+%)", line)
        assert found
        ratios.append(float(found[1]))
        errors.append(f"error {found[2]}")
        reached.append("none reaches" not in line)
    axes.bar(range(len(names)), ratios, 0.5, edgecolor=BLUE, color=[BLUE if it else "white" for it in reached])
    for place, (ratio, error) in enumerate(zip(ratios, errors, strict=True)):
        axes.annotate(error, (place, max(1.0, ratio)), (0, 3), textcoords="offset points", ha="center")
    axes.axhline(1, color=BLACK)
    axes.set(xticks=range(len(names)), xticklabels=names, yscale="log", ylim=(0.5, 2e4))
    axes.set_ylabel("gradients of SGLD over auto's\n(hollow: auto's own error\nis not reached)")


def _comparisons(name: str) -> tuple[list[str], list[str]]:
    """The targets of the page of efficiency, and its line for a sampler below each."""
    lines = EFFICIENCY.read_text().splitlines()
    return [line for line in lines if line.startswith("## ")], [x for x in lines if x.startswith(f"- {name}:")]


def symmetric_sweeps(axes: Axes) -> None:
    """Variance that gradient noise adds, with symmetric sweeps over m batches, over that with independent batches."""
    numbers = np.unique(np.geomspace(2, 256, 24).astype(int))
    for squared, color in zip((1e-3, 1e-2, 1e-1), (BLUE, GREEN, VERMILION), strict=True):
        h = np.sqrt(squared)
        shares = [swept_variance(h, m) / independent_variance(h) for m in numbers]
        axes.plot(2 * numbers * h, shares, color=color, marker=".", label=f"h² mu = {squared:g}")
    axes.axvline(1, color=GREY, ls=":")
    axes.set(xscale="log", yscale="log", xlabel="2 m h sqrt(mu)", ylabel="bias, share of that\nof independent batches")
    axes.legend()


def _ubu(h: float) -> tuple[np.ndarray, np.ndarray]:
    """One step B U of curvature 1: the map of (w, p), and what a unit of gradient noise adds."""
    c, friction = np.exp(-ALPHA), ALPHA / h
    flow = np.array([[1, (1 - c) / friction], [0, c]])
    return flow @ np.array([[1, 0], [-h, 1]]), flow @ np.array([0, -h])


def independent_variance(h: float) -> float:
    """Variance of a position by gradient noise of unit variance, new at each step."""
    step, kick = _ubu(h)
    return float(solve_discrete_lyapunov(step, np.outer(kick, kick))[0, 0])


def swept_variance(h: float, num_batches: int) -> float:
    """The same where batches, whose noise sums to zero, are gone through forwards and backwards in a random order."""
    step, kick = _ubu(h)
    order = np.concatenate([np.arange(num_batches), np.arange(num_batches)[::-1]])
    share = np.zeros((2, num_batches))  # of each batch's noise in (w, p)
    # Independent noise less its mean, of unit variance each.
    noise = (num_batches * np.eye(num_batches) - 1) / max(num_batches - 1, 1)
    powers, shares = [np.eye(2)], [share]
    for batch in order:
        share = step @ share
        share[:, batch] += kick
        shares.append(share)
        powers.append(step @ powers[-1])
    start = solve_discrete_lyapunov(powers[-1], share @ noise @ share.T)
    after = [p @ start @ p.T + s @ noise @ s.T for p, s in zip(powers[1:], shares[1:], strict=True)]
    return float(np.mean([covariance[0, 0] for covariance in after]))


def microcanonical(axes: Axes) -> None:
    """Temperatures of directions with unequal gradient noise, simulated and predicted."""
    num_directions, num_chains, num_steps, h, alpha = 200, 32, 6000, 0.1, 0.1
    rng = np.random.default_rng(0)
    curvatures = np.geomspace(0.1, 1.0, num_directions)
    noise = rng.permutation(np.linspace(0.0, 8.0, num_directions))
    epsilon, c = h * np.sqrt(num_directions), np.exp(-alpha)
    position = rng.standard_normal((num_chains, num_directions)) / np.sqrt(curvatures)
    direction = _unit(rng.standard_normal(position.shape))
    total, gradient = np.zeros(num_directions), curvatures * position
    for number in range(num_steps):
        direction = _turned(direction, -gradient, 0.5 * epsilon)
        position = position + 0.5 * epsilon * direction
        push = rng.standard_normal(position.shape) / np.sqrt(num_directions)
        direction = _unit(c * direction + np.sqrt(1 - c**2) * push)
        position = position + 0.5 * epsilon * direction
        gradient = curvatures * position + np.sqrt(noise) * rng.standard_normal(position.shape)
        direction = _turned(direction, -gradient, 0.5 * epsilon)
        if number >= num_steps // 4:
            total += curvatures * (position**2).mean(axis=0)
    measured = total / (num_steps - num_steps // 4)
    added = 2 * alpha + h**2 * noise
    axes.plot(noise, measured, ".", color=GREEN, label="simulated")
    axes.plot(np.sort(noise), np.sort(added) / added.mean(), color=BLACK, label="predicted")
    independent = 1 + h**2 * np.sort(noise) / (2 * alpha)
    axes.plot(np.sort(noise), independent, color=SKY, ls="--", label="underdamped chains without a fixed length")
    axes.set(xlabel="gradient noise of a direction, 1/w²", ylabel="temperature")
    axes.legend()


def _turned(direction: np.ndarray, towards: np.ndarray, time: float) -> np.ndarray:
    """The exact flow of a direction of unit length towards a vector, over a time."""
    norm = np.linalg.norm(towards, axis=1, keepdims=True)
    unit, delta = towards / norm, time * norm / (towards.shape[1] - 1)
    cosine = np.sum(direction * unit, axis=1, keepdims=True)
    return _unit(direction + unit * (np.sinh(delta) + cosine * (np.cosh(delta) - 1)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def symmetry_moves(axes: Axes) -> None:
    """Effective draws of the loss and of the distance, without and with moves along symmetries."""
    _, *rows = _table(PAGE, "Do exact moves")
    pairs = [(rows[index], rows[index + 1]) for index in range(0, len(rows), 2)]
    for number, (plain, moved) in enumerate(pairs):
        for shift, column, color, name in ((-0.2, 4, BLUE, "loss"), (0.2, 7, PURPLE, "distance from w*")):
            ends = _number(plain[column]), _number(moved[column])
            axes.annotate("", (number + shift, ends[1]), (number + shift, ends[0]), arrowprops={"arrowstyle": "->"})
            axes.plot([number + shift], ends[:1], "o", mfc="white", color=color)
            axes.plot([number + shift], ends[1:], "o", color=color, label="" if number else name)
    names = [f"{pairs[index // 2 * 2][0][0].split(',')[0]}\n{pair[0][1]}" for index, pair in enumerate(pairs)]
    axes.set(yscale="log", ylabel="effective draws\n(hollow: no moves)", xticks=range(len(pairs)), xticklabels=names)
    axes.legend()


def volumes(axes: Axes) -> None:
    """Estimates by integrals along rays over the answer."""
    _over_the_answer(axes, {"local_volume": PURPLE})


def fitted_densities(axes: Axes) -> None:
    """Estimates by weighted draws of fitted densities over the answer."""
    axes.set(yscale="log")
    _over_the_answer(axes, {"laplace": ORANGE, "variational": BLUE})


def _over_the_answer(axes: Axes, colors: dict[str, str]) -> None:
    header, *rows = _table(ROUTES, "What was measured")
    for number, (route, color) in enumerate(colors.items()):
        for place, row in enumerate(rows):
            right, text = _number(row[1]), row[header.index(f"`{route}`")]
            numbers = [float(found) for found in re.findall(r"[\d.]+", text.replace(",", ""))]
            if not numbers:
                continue
            is_ok = "±" in text
            estimate, error = numbers[:2] if is_ok else (numbers[-1], 0.0)
            at = place + 0.25 * (number - 0.5 * (len(colors) - 1))
            axes.errorbar(
                [at], [estimate / right], [2 * error / right], fmt="o", color=color, mfc=color if is_ok else "white"
            )
        axes.plot([], [], "o", color=color, label=route)
    axes.axhline(1, color=BLACK, zorder=0)
    names = [row[0].split(", d=")[0] for row in rows]
    axes.set(ylabel="LLC over the answer\n(hollow: doubted)", xticks=range(len(rows)))
    axes.set_xticklabels(names, rotation=35, ha="right")
    axes.legend()


def warm_starts(axes: Axes) -> None:
    """Estimates along a training, each from w* and each from the run before, and their work."""
    _, *rows = _table(PAGE, "Does each checkpoint")
    steps = np.array([_number(row[0]) for row in rows])
    for number, color, name in ((1, BLACK, "each from w*"), (2, BLUE, "each from the run before")):
        levels, errors = np.array([_percent(row[number]) for row in rows]).T
        work = np.mean([_number(row[number + 3]) for row in rows[1:]])
        said = f"{name}: {work:,.0f} gradients a checkpoint"
        axes.errorbar(steps * 1.04**number, levels, 2 * errors, color=color, fmt="o", ms=4, label=said)
    axes.set(xscale="log", xlabel="training step", ylabel="LLC, ± 2 standard errors")
    axes.legend()


def _samplers() -> Figure:
    """The error of every sampler on every target of the experiment, and whether it was called `ok`."""
    targets = [line[4:] for line in SAMPLERS.read_text().splitlines() if line.startswith("### ")]
    figure = Figure(figsize=(7.2, 7.6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for axes, target in zip(panels, targets, strict=True):
        _, *rows = _table(SAMPLERS, target)
        axes.axvspan(-RIGHT, RIGHT, color=GREEN, alpha=0.15, lw=0)
        for place, (_, _, error, verdict, *_) in enumerate(rows):
            percent = WIDEST if error == "beyond" else float("nan") if error == "-" else float(error.rstrip("%"))
            is_ok = verdict == "`ok`"
            beyond = abs(percent) >= WIDEST
            marker = (">" if percent > 0 else "<") if beyond else "o"
            color = BLUE if is_ok else GREY
            axes.plot(
                [np.clip(percent, -WIDEST, WIDEST)], [place], marker, color=color, mfc=color if is_ok else "white"
            )
        names = [name.replace("`", "") for name, *_ in rows]
        axes.set(title=target.split(":")[0], yticks=range(len(rows)), yticklabels=names)
        axes.set_xscale("symlog", linthresh=RIGHT)
        axes.set(xticks=(-100, -20, -5, 0, 5, 20, 100), xticklabels=("-100", "-20", "-5", "0", "5", "20", "100"))
        axes.set(xlim=(-1.5 * WIDEST, 1.5 * WIDEST), ylim=(len(rows) - 0.5, -0.5))
    figure.supxlabel(
        "error of the LLC, % (filled: ok; hollow: doubted; arrows: beyond; blank: diverged; band: within 5%)",
        fontsize=8.5,
    )
    return figure


def _table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below the heading that begins with this text, its header first."""
    lines = iter(page.read_text().splitlines())
    next(line for line in lines if line.startswith("#") and line.lstrip("# ").startswith(heading))
    table = takewhile(lambda line: line.startswith("|"), dropwhile(lambda line: not line.startswith("|"), lines))
    header, _, *rows = (_cells(line) for line in table)
    return [header, *rows]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _percent(text: str) -> tuple[float, float]:
    mean, se = (float(part.strip().rstrip("%")) for part in text.split("±"))
    return mean, se


def _number(text: str) -> float:
    """The number that a cell begins with; NaN where it has none."""
    return float("nan") if text == "-" else float(text.split()[0].strip("`*").replace(",", ""))


if __name__ == "__main__":
    main()
