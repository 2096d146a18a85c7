"""Describes the code to upload to a cluster: that of this installation, so that all processes run what was submitted.

Both import packages are uploaded, with the metadata of the distribution. Their dependencies have to be installed on the
cluster.
"""

import importlib.metadata
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llcray.driver.cluster.ray_internals import is_inside_a_job
from llcray.driver.errors import DriverError
from llcray.full_path import full_path

PACKAGES = ("llcray", "llcray_storage")
EXCLUDED = ["__pycache__", "*.pyc"]


def runtime_env(modules: Sequence[str] = ()) -> dict[str, Any]:
    """Returns Ray's description of the folders to upload; empty inside a submitted job, which came with its code.

    Args:
        modules: Folders of further import packages, such as the one with a `python` target's factory.

    Raises:
        DriverError: One of `modules` is no folder.
    """
    if is_inside_a_job():
        return {}
    return {"py_modules": [str(folder) for folder in (*_own_folders(), *map(_folder, modules))], "excludes": EXCLUDED}


def _own_folders() -> list[Path]:
    specs = [importlib.util.find_spec(package) for package in PACKAGES]
    folders = [Path(spec.origin).parent for spec in specs if spec and spec.origin]
    distribution = importlib.metadata.distribution("llcray")
    metadata = Path(str(distribution.locate_file(f"llcray-{distribution.version}.dist-info")))
    return [*folders, *([metadata] if metadata.is_dir() else [])]


def _folder(module: str) -> Path:
    path = full_path(module)
    if not path.is_dir():
        raise DriverError(f"--py-module '{module}' is no folder here: give the folder of an import package.")
    return path
