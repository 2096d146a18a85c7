"""Runs an experiment at one of its sizes, and says which of its findings are reproduced (`llcray experiment`)."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from llcray.driver import SweepOptions, run_sweep
from llcray.experiment.checks import carry_out
from llcray.spec import Sweep, load_sweep
from llcray.spec.findings import AS_WRITTEN, Finding
from llcray.spec.problems import Place, Problem, SpecError, suggestion

NOT_REPRODUCED = 1
FOLDER = "experiments"


def path_of(name: str) -> Path:
    """Returns the file of an experiment, which is named by its path or, if it ships with llcray, by its stem.

    A file in folder `experiments` of the working directory comes before one that ships.

    Raises:
        SpecError: There is no such file.
    """
    if name.endswith((".yaml", ".yml")):
        candidates = [Path(name)]
    else:
        candidates = [folder / f"{name}.yaml" for folder in (Path(FOLDER), shipped_folder())]
    found = [path for path in candidates if path.is_file()]
    if not found:
        shipped = sorted(path.stem for path in shipped_folder().glob("*.yaml"))
        message = f"there is no such file{suggestion(name, shipped) or ';'} experiments that ship: {', '.join(shipped)}"
        raise SpecError([Problem(Place(name), message)])
    return found[0]


def shipped_folder() -> Path:
    """Returns the folder of the experiments that ship: in an installed package its own, else that of the checkout."""
    installed = Path(__file__).parent / "shipped"
    return installed if installed.is_dir() else Path(__file__).parents[2] / FOLDER


def run_experiment(name: str, size: str, options: SweepOptions, check: bool, console: Console) -> int:
    """Runs what the dataset lacks of an experiment, and compares the experiment's findings with the dataset.

    Args:
        name: The experiment's file, or the stem of one that ships.
        size: A size of the file; `laptop` is the file as written.
        options: Options of the sweep; their overrides come after those of the size.
        check: Whether to carry out the checks.
        console: Where to print.

    Returns:
        The sweep's exit code; 1 when a finding is not reproduced.

    Raises:
        SpecError: The file has mistakes, or no such size.
        StorageError: The dataset cannot be used.
    """
    path = path_of(name)
    overrides = (*overrides_of(load_sweep(path), size, path), *options.overrides)
    options = replace(options, overrides=overrides)
    code = run_sweep(path, options, console)
    if code not in (0, 1) or not check:
        return code
    sweep = load_sweep(path, overrides)
    if sweep.stages:
        _find_stages(sweep, options.storage, console)
    checked = carry_out(sweep, size, options.storage)
    for result in checked:
        mark = "reproduced    " if result.reproduced else "NOT REPRODUCED"
        value = "no number" if result.value is None else f"{result.value:.4g}"
        claim, bounds = result.finding.claim, _bounds(result.finding)
        console.print(f"{mark} {claim}: {value}{bounds}", highlight=False, soft_wrap=True)
        if result.detail:
            console.print(f"               {result.detail}", highlight=False, soft_wrap=True)
    return code if all(result.reproduced for result in checked) else NOT_REPRODUCED


def _find_stages(sweep: Sweep, storage: str, console: Console) -> None:
    """Finds the stages that the findings need; where there are none, prints why."""
    from llcray.stages.command import NoSeriesError, find_stages

    for metric in sweep.stages:
        try:
            find_stages(storage, sweep.name, metric, "stages", console)
        except NoSeriesError as error:
            console.print(f"note: {error}", highlight=False, soft_wrap=True)


def overrides_of(sweep: Sweep, size: str, path: Path) -> tuple[str, ...]:
    """Returns the overrides that make a size of the sweep file as written.

    Raises:
        SpecError: The file has no such size.
    """
    if size == AS_WRITTEN:
        return ()
    if size not in sweep.sizes:
        there = ", ".join([AS_WRITTEN, *sweep.sizes])
        raise SpecError([Problem(Place(str(path)), f"there is no size '{size}'; sizes are {there}")])
    return sweep.sizes[size]


def _bounds(finding: Finding) -> str:
    low, high = finding.at_least, finding.at_most
    if low is not None and high is not None:
        return f" (between {low:g} and {high:g})"
    return f" (at least {low:g})" if low is not None else f" (at most {high:g})"
