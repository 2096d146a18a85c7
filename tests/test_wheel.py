"""What is installed: the contents of the wheel, and the base install, which has neither JAX nor Ray."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = {"llcray": ROOT / "llcray", "llcray_storage": ROOT / "storage" / "llcray_storage"}
ABSENT = ("jax", "ray", "flax", "optax", "blackjax", "sklearn")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, as installers do: a file missing there is missing here."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def base_install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment holding the wheel and what it declares to need, and nothing else.

    The dependencies are links to this environment's, so that nothing is downloaded.
    """
    environment = tmp_path_factory.mktemp("base") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    site = next(environment.glob("lib/python*/site-packages"))
    link_dependencies(site)
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment / "bin"


def link_dependencies(site: Path) -> None:
    """Links every file or folder of the base install's dependencies into `site`."""
    for name in needed({Requirement(text).name: Requirement(text).extras for text in PROJECT["dependencies"]}):
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = site / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))))


def needed(wanted: dict[str, set[str]]) -> Iterator[str]:
    """Names of the distributions wanted, with those they need in turn, extras included."""
    todo = [(name, frozenset(extras)) for name, extras in wanted.items()]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        name, extras = todo.pop()
        if (key := (canonicalize_name(name), extras)) in seen:
            continue
        seen.add(key)
        yield name
        for requirement in map(Requirement, distribution(name).requires or ()):
            applies = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}
            )
            if applies:
                todo.append((requirement.name, frozenset(requirement.extras)))


def run(program: Path, *words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program in a folder that is not the repository, which PYTHONPATH must not bring back."""
    command = [str(program), *map(str, words)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)


def test_the_wheel_holds_both_packages_whole_and_nothing_else(wheel: Path):
    """Catches a subpackage, a template or py.typed left out, and tests or notes that slipped in."""
    names = set(zipfile.ZipFile(wheel).namelist())
    own = {name for name in names if not name.startswith(f"llcray-{PROJECT['version']}.dist-info/")}
    expected = {f"llcray/experiment/shipped/{file.name}" for file in (ROOT / "experiments").iterdir()}
    expected |= {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for package, folder in SOURCES.items()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert own == expected
    assert {"llcray/py.typed", "llcray_storage/py.typed", "llcray/report/page/page.html"} <= own
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_description_on_a_package_index_has_no_link_into_the_repository(wheel: Path):
    """A package index shows the description alone: relative links would lead nowhere."""
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    text = archive.read(metadata).decode()
    assert "Description-Content-Type: text/markdown" in text and "local learning coefficient" in text
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert [link for link in links if not link.startswith("https://")] == []


def test_links_lead_to_the_repository_where_it_is_known():
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None and spec.loader is not None
    hatch_build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hatch_build)
    text = "![a plot](docs/a.png) and [pages](docs/b.md), [a paper](https://arxiv.org/abs/1), [below](#below)"
    home = "https://forge.example/llcray"
    assert hatch_build.description(text, home) == (
        f"![a plot]({home}/raw/main/docs/a.png) and [pages]({home}/blob/main/docs/b.md), "
        "[a paper](https://arxiv.org/abs/1), [below](#below)"
    )
    assert hatch_build.description(text, None) == " and pages, [a paper](https://arxiv.org/abs/1), [below](#below)"


def test_an_experiment_that_ships_is_found_from_anywhere(base_install: Path, tmp_path: Path):
    """Without JAX it ends at the line that says how to get it: the file was found."""
    done = run(base_install / "llcray", "experiment", "grokking", folder=tmp_path)
    assert done.returncode == 2 and 'python -m pip install "llcray[cpu]"' in done.stderr
    lost = run(base_install / "llcray", "experiment", "groking", folder=tmp_path)
    assert lost.returncode == 2 and "did you mean 'grokking'?" in lost.stderr


def test_the_base_install_has_no_jax_and_no_ray(base_install: Path, tmp_path: Path):
    """Else the tests below would prove nothing; and both packages come from the wheel, not from the repository."""
    code = (
        "from importlib.util import find_spec\nimport llcray, llcray_storage\n"
        f"print([name for name in {ABSENT!r} if find_spec(name)], llcray.__version__)\n"
        "print(llcray.__file__, llcray_storage.__file__)"
    )
    done = run(base_install / "python", "-c", code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == f"[] {PROJECT['version']}"
    assert all(path.startswith(str(base_install.parent)) for path in second.split())


def test_the_base_install_explains_itself_from_another_directory(base_install: Path, tmp_path: Path):
    done = run(base_install / "llcray", "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sweep" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "quickstart"),
        (["status", "--sweep", "quickstart"], "auto"),
        (["query", "results", "SELECT COUNT(*) AS num FROM runs", "--csv"], "12"),
        (["plot", "results", "--x", "noise_rate", "-o", "plot.png"], "plot.png"),
        (["report", "results", "-o", "report.html"], "report.html"),
        (["verify", "results"], "is whole"),
        (["plan", "quickstart.yaml"], "label noise"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else "",
)
def test_whoever_only_reads_needs_neither_jax_nor_ray(
    words: list[str], said: str, base_install: Path, quickstart_results: Path, tmp_path: Path
):
    """Catches a dependency that is imported and not declared, too."""
    shutil.copytree(quickstart_results, tmp_path / "results")
    shutil.copy(ROOT / "experiments" / "quickstart.yaml", tmp_path)
    done = run(base_install / "llcray", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_a_sweep_on_the_base_install_says_how_to_get_the_rest(base_install: Path, tmp_path: Path):
    shutil.copy(ROOT / "experiments" / "quickstart.yaml", tmp_path)
    done = run(base_install / "llcray", "sweep", "quickstart.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert 'python -m pip install "llcray[cpu]"' in done.stderr
