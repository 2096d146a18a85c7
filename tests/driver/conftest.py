"""One Ray with two processors for the tests of a session, and small sweeps."""

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from llcray.driver import SweepOptions, run_sweep
from llcray.driver.cluster.connect import Cluster, connect
from llcray.spec import Resources
from llcray.terminal.console import Terminal

QUADRATICS = "[{kind: quadratic, num_params: {grid: [3, 5]}, num_data: 200}]"
PARTLY_FAILING = """
  - {kind: python, factory: "driver_targets:broken"}
  - {kind: python, factory: "driver_targets:not_finite"}
  - {kind: quadratic, num_params: 3, num_data: 200}"""
MODULES = Path(__file__).parent / "modules"

SWEEP = """
name: {name}
question: Does the driver drive?
targets: {targets}
posterior: {{localization: 1.0}}
samplers: [{{kind: sgld, step_size: {{grid: [1.0e-3, 1.0e-4]}}, batch_size: 20}}]
sampling: {{num_chains: 2, spectrum: "off", budget: {{num_gradients: 500, num_draws: 128}}}}
"""
"""No curvature is measured, so that a worker has two programs to compile."""


@pytest.fixture(scope="session")
def modules() -> Iterator[None]:
    """Makes `driver_targets` importable here and in workers started from here."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(MODULES), before)))
    sys.path.insert(0, str(MODULES))
    yield
    sys.path.remove(str(MODULES))
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def cluster(modules: None) -> Iterator[Cluster]:
    """A Ray that sweeps run in this process will use."""
    with connect(None, Resources()) as connected:
        yield connected


def write_sweep(folder: Path, targets: str, name: str = "tiny") -> Path:
    """Writes a sweep of the given targets: two runs each."""
    path = folder / f"{name}.yaml"
    path.write_text(SWEEP.format(name=name, targets=targets))
    return path


@pytest.fixture
def sweep_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a sweep of the given targets: two runs each."""
    return partial(write_sweep, tmp_path)


class Screen(Terminal):
    """A console that is no terminal and keeps what is printed."""

    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=200)

    @property
    def text(self) -> str:
        """All that was printed."""
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


@pytest.fixture
def screen() -> Screen:
    """A console for a sweep to print on."""
    return Screen()


@dataclass(frozen=True)
class Done:
    """A finished sweep: its file, its storage, its folder of event files, and what was printed."""

    path: Path
    storage: Path
    board: Path
    printed: str


def _sweep_once(folder: Path, targets: str, code: int) -> Done:
    path, screen = write_sweep(folder, targets), Screen()
    options = SweepOptions(storage=str(folder / "results"), tensorboard=str(folder / "board"))
    assert run_sweep(path, options, screen) == code, screen.text
    return Done(path, folder / "results", folder / "board", screen.text)


def _copied(done: Done, folder: Path) -> Done:
    shutil.copytree(done.storage, folder / "results")
    shutil.copy(done.path, folder)
    return Done(folder / done.path.name, folder / "results", done.board, done.printed)


@pytest.fixture(scope="session")
def done_once(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A finished sweep of four runs that all tests of a session share, so that none may change it."""
    return _sweep_once(tmp_path_factory.mktemp("done"), QUADRATICS, 0)


@pytest.fixture
def done(done_once: Done, tmp_path: Path) -> Done:
    """A finished sweep of four runs that a test may change."""
    return _copied(done_once, tmp_path)


@pytest.fixture(scope="session")
def partly_failed_once(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A sweep of six runs, of which four failed; all tests of a session share it, so that none may change it."""
    return _sweep_once(tmp_path_factory.mktemp("partly_failed"), PARTLY_FAILING, 1)


@pytest.fixture
def partly_failed(partly_failed_once: Done, tmp_path: Path) -> Done:
    """A sweep of six runs, of which four failed, that a test may change."""
    return _copied(partly_failed_once, tmp_path)
