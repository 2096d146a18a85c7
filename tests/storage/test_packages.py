"""The modules of llcray_storage import in one order, and the views have the columns that the schema declares."""

import ast
from pathlib import Path

import llcray_storage as ls
import numpy as np
from llcray_storage.schema.tables import VIEWS

PACKAGE = Path(ls.__file__).parent
LAYERS = (
    {"errors"},
    {"schema"},
    {"store"},
    {"files"},
    {"state"},
    {"read", "write"},
    {"maintain"},
    {"dataset", "query", "matched", "estimate_words"},
)


def _modules() -> dict[str, Path]:
    files = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]
    names = {path: path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".") for path in files}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def _imports(path: Path, modules: dict[str, Path]) -> set[str]:
    """Modules of the package that a file imports, within functions and under TYPE_CHECKING, too."""
    named = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llcray_storage"):
            module = (node.module or "").removeprefix("llcray_storage").removeprefix(".")
            named |= {module, *(f"{module}.{alias.name}".removeprefix(".") for alias in node.names)}
    return named & set(modules)


def _top(module: str) -> str:
    return module.partition(".")[0]


def test_packages_import_only_packages_before_them():
    """Catches a circle between packages, such as a writer that reads through `read.py`."""
    modules = _modules()
    layer = {name: number for number, names in enumerate(LAYERS) for name in names}
    breaches = [
        f"{name} imports {other}"
        for name, path in modules.items()
        for other in _imports(path, modules)
        if _top(name) != _top(other) and layer[_top(other)] >= layer[_top(name)]
    ]
    assert not breaches


def test_files_import_in_no_circle():
    modules = _modules()
    waiting = {name: _imports(path, modules) for name, path in modules.items()}
    while free := [name for name, others in waiting.items() if not others & set(waiting)]:
        for name in free:
            del waiting[name]
    assert not waiting


def test_views_have_the_columns_that_the_schema_declares(root):
    """Catches a column of a view that the data dictionary does not know, or of another type."""
    dataset = ls.Dataset.create_or_open(root)
    probes = {"probe_set": ["a", "b"], "probe_loss": [1.0, 2.0], "probe_influence": [1.0, 2.0, 3.0, 4.0]}
    chains = [{"chain": 0, "n_beta": 1.0, "centered_loss": np.zeros(3, np.float32)}]
    dataset.write_run({"run_id": "a", "sweep": "s", "status": "done", **probes}, chains)
    for view in VIEWS:
        frame = ls.sql(root, f"SELECT * FROM {view.name}")
        assert frame.schema == view.polars
        assert frame.height == {"draws_long": 3, "observables": 2}[view.name]
