"""The smoke size of every experiment runs from its file and reproduces the findings it promises at that size."""

import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from llcray_storage.schema.tables import TABLES

from llcray.driver import SweepOptions
from llcray.driver.cluster.connect import connect
from llcray.experiment.command import run_experiment
from llcray.spec import Resources, load_sweep
from llcray.terminal.console import Terminal
from tests.conftest import flags_to_compile_quickly

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))
SMOKE = [path for path in EXPERIMENTS if "smoke" in load_sweep(path).sizes]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_size_of_an_experiment_loads(path: Path):
    """Catches an override that the file has outgrown."""
    sweep = load_sweep(path)
    assert all(load_sweep(path, overrides).runs for overrides in sweep.sizes.values())
    assert all({"laptop", *sweep.sizes} >= set(check.sizes) for check in sweep.checks)


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_check_of_an_experiment_asks_for_columns_that_exist(path: Path):
    """Catches a finding that could be looked at only after the hours that the runs take, to fail on a name."""
    tables = {table.name: pl.DataFrame(schema=table.polars) for table in TABLES}
    for check in load_sweep(path).checks:
        if check.sql is not None:
            with pl.SQLContext(tables) as context:
                assert context.execute(check.sql, eager=True).shape == (1, 1), check.claim


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """A Ray that all experiments use, most of whose time would go to compilation."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in flags_to_compile_quickly().items():
            patch.setenv(name, value)
        with connect(None, Resources()):
            yield


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", SMOKE, ids=lambda path: path.stem)
def test_the_smoke_size_of_an_experiment_reproduces_its_findings(ray: None, path: Path, tmp_path: Path):
    printed = io.StringIO()
    options = SweepOptions(storage=str(tmp_path / "results"), quiet=True)
    assert run_experiment(str(path), "smoke", options, True, Terminal(file=printed, width=200)) == 0, printed.getvalue()
