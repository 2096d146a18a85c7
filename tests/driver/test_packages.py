"""Packages that targets need are looked for on the machines of a cluster before a sweep begins."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from llcray_storage import Dataset

from llcray.driver.cluster.connect import Cluster
from llcray.driver.cluster.packages import check_packages
from llcray.driver.errors import DriverError
from llcray.spec import Resources
from llcray.targets.torch.spec import TorchTarget


class NeedsMore(TorchTarget):
    """A traced target that needs a package which no machine has."""

    def needed_packages(self, *, is_stored: bool) -> tuple[str, ...]:
        return ("json", "no_such_package")


def test_a_machine_that_lacks_a_package_is_named_before_a_row_is_written(cluster: Cluster, tmp_path: Path):
    dataset = Dataset.create_or_open(tmp_path / "results")
    with pytest.raises(DriverError, match=r"traced with json, no_such_package, and .* lacks no_such_package\. Install"):
        check_packages([NeedsMore(factory="my.module:probe")], dataset, Resources())
    assert not dataset.finished("any")


def test_what_machines_have_is_found(cluster: Cluster, tmp_path: Path):
    """A factory needs torch where the target is built; a file does not."""
    dataset = Dataset.create_or_open(tmp_path / "results")
    probe = Path(__file__).parents[1] / "aten" / "fixtures" / "probe.llcray"
    check_packages([TorchTarget(path=probe)], dataset, Resources())
    factory = TorchTarget(factory="my.module:probe")
    if find_spec("torch") is not None:
        check_packages([factory], dataset, Resources())
    else:
        with pytest.raises(DriverError, match="lacks torch"):
            check_packages([factory], dataset, Resources())
