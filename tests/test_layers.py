"""Imports point one way: storage <- science <- driver <- cli; reports read datasets without JAX or Ray."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMPUTE = {"jax", "jaxlib", "flax", "optax", "blackjax"}
HEAVY = ("jax", "ray", "torch", "flax", "optax", "blackjax", "sklearn", "polars", "matplotlib")
TRACING = ("llcray.aten.tracing", "llcray.torch")
HELP = """
from llcray.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0, end.code
"""
KNOWN_TO_REPORTS = ("llcray.report", "llcray.array_statistics")
ABOVE_SCIENCE = (
    "llcray.api",
    "llcray.results",
    "llcray.driver",
    "llcray.cli",
    "llcray.experiment",
    "llcray.report",
    "llcray.validation",
)


def files_of(package: str) -> list[Path]:
    """The Python files of a package or module of this repository."""
    base = ROOT / "storage" if package.startswith("llcray_storage") else ROOT
    path = base.joinpath(*package.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def science_files() -> list[Path]:
    above = {file for package in ABOVE_SCIENCE for file in files_of(package)}
    return [file for file in files_of("llcray") if file not in above and file != ROOT / "llcray" / "__init__.py"]


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too; `from a import b` counts as a and as a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute here"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def breaches(files: list[Path], forbidden: set[str] | tuple[str, ...]) -> list[str]:
    """`file imports module` for every import of a forbidden package."""
    assert files
    return [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files
        for module in imports_of(file)
        if any(is_in(module, package) for package in forbidden)
    ]


def module_files() -> dict[str, Path]:
    """Every module of both packages, by its dotted name; a package is named by its `__init__`."""
    files = [*files_of("llcray"), *files_of("llcray_storage")]
    bases = {file: ROOT / "storage" if (ROOT / "storage") in file.parents else ROOT for file in files}
    return {".".join(file.relative_to(bases[file]).with_suffix("").parts): file for file in files}


def import_graph() -> dict[str, set[str]]:
    """Modules of this repository and those that each imports, wherever in a file the import stands."""
    files = module_files()

    def own(module: str) -> str | None:
        return next((name for name in (module, f"{module}.__init__") if name in files), None)

    graph: dict[str, set[str]] = {}
    for name, file in files.items():
        graph[name] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found = [own(alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found = [own(f"{node.module}.{alias.name}") or own(node.module or "") for alias in node.names]
            else:
                continue
            graph[name] |= {module for module in found if module is not None and module != name}
    return graph


def between_parts_of(package: str, graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The files and folders of a package, and those among them that each imports."""

    def part(module: str) -> str | None:
        inside = module.startswith(f"{package}.")
        return module.removeprefix(f"{package}.").partition(".")[0] if inside else None

    parts: dict[str, set[str]] = {}
    for module, imported in graph.items():
        if (own := part(module)) is not None:
            others = {other for each in imported if (other := part(each)) not in (None, own)}
            parts.setdefault(own, set()).update(others)
    return parts


def cycle_in(graph: dict[str, set[str]]) -> str:
    """A cycle, as `a -> b -> a`; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " -> ".join(reversed(error.args[1]))
    return ""


def loaded_after(statements: str) -> set[str]:
    """Which heavy packages a fresh Python has loaded after running some statements."""
    script = f"import sys\n{statements}\nprint('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_storage_depends_on_neither_llcray_nor_the_compute_stack():
    assert not breaches(files_of("llcray_storage"), {*COMPUTE, "ray", "llcray"})


def test_reports_import_neither_jax_nor_ray():
    """Someone who only reads a dataset installs no JAX: the base install lacks it."""
    assert not breaches(files_of("llcray.report"), {*COMPUTE, "ray", "sklearn"})


def test_of_llcray_a_report_knows_only_reports_and_statistics_of_arrays():
    own = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in files_of("llcray.report")
        for module in imports_of(file)
        if is_in(module, "llcray") and not any(module == "llcray" or is_in(module, known) for known in KNOWN_TO_REPORTS)
    ]
    assert not own


def test_only_the_driver_imports_ray():
    driver = set(files_of("llcray.driver"))
    others = [file for file in [*files_of("llcray"), *files_of("llcray_storage")] if file not in driver]
    assert not breaches(others, {"ray"})


def test_only_tracing_imports_torch():
    """A traced loss is read and sampled where torch is not installed."""
    tracing = {file for package in TRACING for file in files_of(package)}
    assert tracing and breaches(sorted(tracing), {"torch"})
    others = [file for file in [*files_of("llcray"), *files_of("llcray_storage")] if file not in tracing]
    assert not breaches(others, {"torch"})


def test_science_knows_nothing_of_the_driver_the_command_line_or_reports():
    assert not breaches(science_files(), ABOVE_SCIENCE)


def test_the_driver_knows_nothing_of_the_command_line():
    assert not breaches(files_of("llcray.driver"), ("llcray.cli",))


def test_no_files_import_each_other():
    """Imports inside functions and those for types alone count: code that needs them is in the wrong place."""
    assert cycle_in(import_graph()) == ""


def test_no_folders_import_each_other():
    graph = import_graph()
    packages = {name.removesuffix(".__init__") for name in graph if name.endswith(".__init__")}
    cycles = {package: cycle_in(between_parts_of(package, graph)) for package in packages}
    assert {package: cycle for package, cycle in cycles.items() if cycle} == {}


def test_a_cycle_is_found():
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}).count("->") == 3
    assert between_parts_of("p", {"p.a.x": {"p.b.y"}, "p.b.z": {"p.a.x"}, "q": {"p"}}) == {"a": {"b"}, "b": {"a"}}


def test_estimates_are_numpy_in_numpy_out():
    assert not breaches(files_of("llcray.llc"), COMPUTE)


def test_stages_are_found_without_jax():
    assert not breaches(files_of("llcray.stages"), {*COMPUTE, "ray"})


@pytest.mark.parametrize(
    "module", ["llcray", "llcray.spec", "llcray.samplers", "llcray.llc", "llcray.cli", "llcray.torch"]
)
def test_importing_a_package_loads_nothing_heavy(module: str):
    """A validator or an editor plugin that imports us must not claim a device, nor wait for matplotlib."""
    assert loaded_after(f"import {module}") == set()


def test_importing_the_driver_starts_nothing():
    assert not loaded_after("import llcray.driver") & {*COMPUTE, "ray", "matplotlib"}


def test_importing_the_reader_loads_nothing_and_reading_loads_polars_alone():
    assert loaded_after("import llcray_storage") == set()
    assert loaded_after("import llcray_storage as ls; ls.scan_runs") == {"polars"}


def test_help_loads_nothing_heavy():
    assert loaded_after(HELP) == set()


def test_planning_a_sweep_loads_no_jax():
    """`import blackjax` initialises a backend: reading and laying out a sweep file must not."""
    loaded = loaded_after(
        "from llcray.spec import load_sweep, trials\n"
        "sweep = load_sweep('experiments/quickstart.yaml')\n"
        "assert trials(sweep.runs, 2)"
    )
    assert not loaded & {*COMPUTE, "ray"}
