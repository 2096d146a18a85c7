"""Loading of a sweep file, which becomes runs, or a list of all its mistakes."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from llcray.components.choice import NamedComponent, components_of
from llcray.data.user_file import files_in
from llcray.spec import axes
from llcray.spec.chains import linked
from llcray.spec.combinations import conflicts
from llcray.spec.conduct import unknown_columns
from llcray.spec.overrides import apply
from llcray.spec.problems import Place, Problem, SpecError
from llcray.spec.run import RunSpec
from llcray.spec.sweep import LONGEST_NAME, NAME, VARIANTS, Sweep, SweepFile
from llcray.spec.validation import Form
from llcray.spec.yaml_tree import Items, Node, Scalar, Table, parse, read_text, tree_of, written_as_yaml
from llcray.targets import TargetSpec
from llcray.targets.variant import TrajectoryVariant

T = TypeVar("T")
SEED_TWICE = "'replicates' or 'seeds' at the top sets the seed of every target; leave one of the two out"
MOST_RUNS = 100_000
REMEDY_MANY = f"lower replicates, {axes.REMEDY}, or write several files"
EMPTY = "is empty; a sweep needs question, targets and samplers"


class _Part(NamedTuple):
    """A validated part of a run, and the node that it was written as."""

    spec: Any
    node: Node


class _Mistakes:
    """Collector of mistakes, so that one does not hide the next."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def collect(self, read: Callable[[], T]) -> T | None:
        """The value that `read` returns; None, with its problems collected, when it raises a SpecError."""
        try:
            return read()
        except SpecError as error:
            self.problems += error.problems
            return None

    def raise_any(self) -> None:
        if self.problems:
            raise SpecError(self.problems)


def load_sweep(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Sweep:
    """The sweep of a file or mapping, with overrides applied, axes expanded and all parts validated.

    Args:
        source: The YAML file, or a mapping with the same keys and values, in which specs may stand as objects.
        overrides: `path=value` texts, applied in turn; see `llcray.spec.overrides`.

    Raises:
        SpecError: The file, the mapping or the overrides have mistakes; the error holds all of them.
    """
    mistakes = _Mistakes()
    text, written, mistakes.problems[:] = _written(source)
    root, wrong_overrides = apply(written, overrides)
    mistakes.problems += wrong_overrides
    file = mistakes.collect(lambda: Form(SweepFile).read(root))
    if not isinstance(root, Table):
        raise SpecError(mistakes.problems)
    header = file or SweepFile.model_construct()
    name = header.name or _name_of(source, root, mistakes)
    _check_number_of_runs(root, header, mistakes)
    combinations = _combinations(root, header, mistakes)
    mistakes.raise_any()
    _check_files(combinations, root, header, mistakes)
    mistakes.raise_any()
    runs = _runs(combinations, root, header, mistakes)
    _check_conduct(root, header, runs, mistakes)
    mistakes.raise_any()
    return Sweep(
        name=name,
        question=header.question,
        runs=runs,
        resources=header.resources,
        source=text,
        overrides=tuple(overrides),
        sizes=header.sizes,
        stages=header.stages,
        checks=header.checks,
        conduct=header.conduct,
    )


def _written(source: str | Path | Mapping[str, Any]) -> tuple[str, Node, list[Problem]]:
    """The text of a sweep, its tree, and the problems that do not prevent a tree."""
    if isinstance(source, Mapping):
        tree = tree_of(source, Place(""))
        return written_as_yaml(tree), tree, []
    path = Path(source)
    text = read_text(path)
    written, problems = parse(text, Place(str(path), 1, 1))
    if written is None:
        raise SpecError([Problem(Place(str(path)), EMPTY)])
    return text, written, problems


def _name_of(source: str | Path | Mapping[str, Any], root: Table, mistakes: _Mistakes) -> str:
    """The name of a sweep that does not say its own: that of its file, without the ending."""
    name = root.entries.get("name")
    if name is not None and name != Scalar(None, name.place):
        return ""  # It has mistakes, which are reported where it stands.
    stem = "" if isinstance(source, Mapping) else Path(source).stem
    if len(stem) > LONGEST_NAME or not re.search(NAME, stem):
        why = f"and the file's name '{stem}' cannot be one" if stem else "which a mapping needs"
        mistakes.problems.append(Problem(root.place, f"'name' is missing, {why}; write name: my_sweep"))
    return stem


def _check_files(combinations: Sequence[dict[str, _Part]], root: Table, header: SweepFile, mistakes: _Mistakes) -> None:
    """Opens every file that the targets and the header name, each once, so that no trial starts for a wrong one."""
    checked: set[str] = set()
    targets = {id(parts["target"].spec): parts["target"] for parts in combinations}
    named = [(target.spec, target.node) for target in targets.values()]
    named += [(getattr(header, key), root.entries[key]) for key in ("loss_on", "observables") if key in root.entries]
    for spec, node in named:
        for reader in files_in(spec):
            if (key := repr(reader)) not in checked:
                checked.add(key)
                try:
                    reader.check()
                except ValueError as error:
                    place = node.place if reader is spec else _blamed(node, "data")
                    mistakes.problems.append(Problem(place, str(error)))


def _check_number_of_runs(root: Table, header: SweepFile, mistakes: _Mistakes) -> None:
    """Counts the runs before any is made, so that a sweep that nobody can mean takes neither time nor memory.

    Checkpoints of a training are counted once, since they are known only later.
    """

    def count(node: Node, annotation: Any) -> int:
        return axes.num_points(node, annotation, header.design)

    common = [
        count(root.entries.get(key, Table({}, {}, root.place)), VARIANTS[key]) for key in ("posterior", "sampling")
    ]
    of_targets, of_samplers = (
        [count(node, VARIANTS[key]) for node in _items(root, key)] for key in ("targets", "samplers")
    )
    chosen = itertools.product(of_targets, of_samplers)
    of_one_seed = sum(axes.num_combined([target, *common, sampler], header.design) for target, sampler in chosen)
    choices = len(header.components) * len(header.loss_on) * len(header.losses)
    num_runs = of_one_seed * header.num_target_seeds() * choices
    if num_runs > MOST_RUNS:
        number = f"{num_runs:,}" if num_runs < 10**15 else "more than 10^15"
        message = f"makes {number} runs, and a sweep has at most {MOST_RUNS:,}; {REMEDY_MANY}"
        mistakes.problems.append(Problem(root.place, message))
        mistakes.raise_any()


def _check_conduct(root: Table, header: SweepFile, runs: tuple[RunSpec, ...], mistakes: _Mistakes) -> None:
    for name in unknown_columns(header.conduct, runs):
        message = f"'{name}' in conduct.first is no column of a run; `llcray plan` and the data dictionary name them"
        mistakes.problems.append(Problem(root.entries["conduct"].place, message))
    if header.conduct.halving is not None and any(run.follows for run in runs):
        message = "halving gives up runs that others of `start: previous` go on from; leave one of the two out"
        mistakes.problems.append(Problem(root.entries["conduct"].place, message))


def _combinations(root: Table, header: SweepFile, mistakes: _Mistakes) -> list[dict[str, _Part]]:
    """The parts of every run, by field of `RunSpec`; targets, seeds and samplers crossed, axes by the design."""

    def expanded(node: Node, form: Form[Any]) -> list[Node]:
        return mistakes.collect(lambda: axes.points(node, form.annotation, header.design)) or []

    def checked(nodes: Sequence[Node], form: Form[Any]) -> list[_Part]:
        parts = [(mistakes.collect(lambda node=node: form.read(node)), node) for node in nodes]
        return [_Part(spec, node) for spec, node in parts if spec is not None]

    targets, samplers, *common = (Form(VARIANTS[key]) for key in ("targets", "samplers", "posterior", "sampling"))
    of_targets = [expanded(item, targets) for item in _items(root, "targets")]
    of_targets = [checked(nodes, targets) for nodes in _seeded(of_targets, header.target_seeds(), mistakes)]
    of_samplers = [checked(expanded(item, samplers), samplers) for item in _items(root, "samplers")]
    posterior, sampling = (
        checked(expanded(root.entries.get(key, Table({}, {}, root.place.at(key))), form), form)
        for key, form in zip(("posterior", "sampling"), common, strict=True)
    )
    return [
        {"target": target, "posterior": tempering, "sampling": effort, "sampler": sampler}
        for chosen in itertools.product(of_targets, [posterior], [sampling], of_samplers)
        if all(chosen)
        for target, tempering, effort, sampler in axes.combine(chosen, header.design, root.place)
    ]


def _items(root: Table, key: str) -> Sequence[Node]:
    node = root.entries.get(key)
    return node.items if isinstance(node, Items) else ()


def _seeded(
    of_targets: Sequence[Sequence[Node]], seeds: Sequence[int] | None, mistakes: _Mistakes
) -> list[Sequence[Node]]:
    """The targets with every seed in turn: all configurations of the first seed come before those of the second."""
    if seeds is None:
        return list(of_targets)
    tables = [[node for node in nodes if isinstance(node, Table)] for nodes in of_targets]
    given = [node.keys["seed"] for nodes in tables for node in nodes if "seed" in node.entries]
    mistakes.problems += [Problem(place, SEED_TWICE) for place in given]
    return [
        [node.updated("seed", Scalar(seed, node.place.at("seed")), node.place) for node in nodes]
        for seed in seeds
        for nodes in tables
    ]


def _runs(
    combinations: Sequence[dict[str, _Part]], root: Table, header: SweepFile, mistakes: _Mistakes
) -> tuple[RunSpec, ...]:
    """Each run once, those of a target together, in the order in which targets first appear."""
    of_target: dict[str, dict[str, RunSpec]] = {}
    examples, losses = _choices(root, header, "loss_on"), _choices(root, header, "losses")
    observables = _Part(header.observables or None, root.entries.get("observables", root))
    along = (
        parts | {"target": parts["target"]._replace(spec=target)}
        for parts in combinations
        for target in checkpointed(parts["target"].spec)
    )
    named = ((parts, name) for parts in along for name in _components(parts["target"].spec, root, header, mistakes))
    for (parts, component), loss_on, loss in itertools.product(named, examples, losses):
        chosen = parts | {"loss_on": loss_on, "loss": loss, "observables": observables}
        specs: dict[str, Any] = {name: part.spec for name, part in chosen.items()}
        run = RunSpec(component=component.name, mask_files=component.mask_files, **specs)
        mistakes.problems += [
            Problem(_blamed(chosen[conflict.part].node, conflict.key), conflict.message) for conflict in conflicts(run)
        ]
        of_target.setdefault(run.target_id, {}).setdefault(run.run_id, run)
    return linked(run for runs in of_target.values() for run in runs.values())


def _choices(root: Table, header: SweepFile, key: str) -> list[_Part]:
    """What the header lists at a key, with the nodes; None for `own`."""
    chosen, nodes = getattr(header, key), _items(root, key) or (root,)
    return [_Part(None if spec == "own" else spec, node) for spec, node in zip(chosen, nodes, strict=True)]


def checkpointed(target: TargetSpec) -> Sequence[TargetSpec]:
    """The targets that a target stands for: one for each checkpoint that its spec asks for, or itself."""
    return target.checkpointed() if isinstance(target, TrajectoryVariant) else (target,)


def _components(target: Any, root: Table, header: SweepFile, mistakes: _Mistakes) -> list[NamedComponent]:
    """The components that the file asks for, of one target, each once."""
    components: list[NamedComponent] = []
    for index, chosen in enumerate(header.components):
        try:
            components += components_of(chosen, target.structure())
        except ValueError as error:
            items = _items(root, "components")
            problem = Problem(items[index].place if items else root.place, str(error))
            mistakes.problems += [problem] if problem not in mistakes.problems else []
    return list({component.name: component for component in components}.values())


def _blamed(node: Node, key: str) -> Place:
    return node.entries[key].place if isinstance(node, Table) and key in node.entries else node.place
