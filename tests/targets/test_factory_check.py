"""A factory that a sweep names is looked for in its module's source when the sweep is loaded; nothing is run."""

from pathlib import Path

import pytest

from llcray.spec import SpecError, load_sweep
from llcray.targets.factory_check import check_factory

MODULE = """
raise SystemExit("imported")
"""
FUNCTIONS = '''
"""A module of the user's."""
import os

def make(width, depth=1, *, rate, seed=0):
    raise SystemExit("called")

def any_of(**settings):
    pass
'''


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text(MODULE)
    (tmp_path / "mine" / "targets.py").write_text(FUNCTIONS)
    (tmp_path / "dynamic.py").write_text("from os import *\n")
    monkeypatch.syspath_prepend(str(tmp_path))


WRONG = {
    "no module": ("nowhere:make", {}, "no module 'nowhere': install it"),
    "no module in a package": ("mine.target:make", {}, "no module 'mine.target'"),
    "no function": ("mine.targets:made", {}, "has no function 'made'"),
    "no such argument": ("mine.targets:make", {"width", "rate", "dept"}, "no argument 'dept': it takes depth, rate"),
    "an argument missing": ("mine.targets:make", {"width"}, "needs the argument 'rate'"),
}
RIGHT = {
    "all arguments": ("mine.targets:make", {"width", "rate"}),
    "any arguments": ("mine.targets:any_of", {"a", "b"}),
    "names that are made when the module is run": ("dynamic:getcwd", {"a"}),
    "a package whose file defines the function": ("json:dumps", {"obj"}),
}


@pytest.mark.parametrize(("name", "arguments", "part"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_called_is_refused_with_the_reason(name: str, arguments: set[str], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        check_factory(name, arguments)


@pytest.mark.parametrize(("name", "arguments"), RIGHT.values(), ids=RIGHT)
def test_what_may_be_called_is_let_pass(name: str, arguments: set[str]) -> None:
    check_factory(name, arguments)


def test_a_sweep_names_the_place_of_a_factory_that_is_not_there(tmp_path: Path) -> None:
    """It passed `plan`, and each run failed after Ray had started."""
    path = tmp_path / "mistake.yaml"
    path.write_text(
        "question: Is it there?\ntargets:\n  - {kind: python, factory: 'mine.targets:made'}\nsamplers: [{kind: hmc}]\n"
    )
    with pytest.raises(SpecError, match=r"mistake.yaml:3:\d+: .*has no function 'made'"):
        load_sweep(path)
