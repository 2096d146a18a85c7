"""The tutorials run from top to bottom in a notebook's kernel, and the notebooks on the site are of these sources."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
pytest.importorskip("jupytext")
pytest.importorskip("nbclient")
pytestmark = pytest.mark.filterwarnings("default")  # of Jupyter's, in another process than the code under test


def notebooks() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "site" / "notebooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["notebooks"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_tutorial_runs_and_shows_estimates_and_a_figure(source: Path, tmp_path: Path):
    """Catches an API that a tutorial uses and that is gone, and objects that a notebook cannot show."""
    executed = notebooks().execute(source, tmp_path)
    page, pictures = notebooks().as_markdown(executed, source.stem)
    assert pictures
    assert '<div class="output">' in page and "LLC" in page


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_the_notebook_on_the_site_is_of_this_source(source: Path):
    """Catches a source that was changed without `python docs/site/notebooks.py`."""
    import jupytext  # pyright: ignore[reportMissingImports]

    shown = json.loads(source.with_suffix(".ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in shown["cells"]]
    assert cells == [cell.source for cell in jupytext.read(source).cells]
