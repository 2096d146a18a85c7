"""The modules of the page's script: complete, and each after those that it imports."""

import re
from importlib.resources import files

from llcray.report.page.page import SCRIPTS, script

FOLDER = files("llcray.report.page") / "script"
IMPORTS = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
EXPORTS = re.compile(r"^export (?:const|let|function) (\{[^}]*\}|\w+)", re.MULTILINE)
DECLARED = re.compile(r"^(?:export )?(?:const|let|function) (\w+)", re.MULTILINE)


def text_of(module: str) -> str:
    return (FOLDER / f"{module}.js").read_text(encoding="utf-8")


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


def test_every_module_is_part_of_the_page():
    assert {file.name for file in FOLDER.iterdir()} == {f"{module}.js" for module in SCRIPTS}


def test_a_module_comes_after_those_that_it_imports_and_they_export_what_it_takes():
    for place, module in enumerate(SCRIPTS):
        for names, source in IMPORTS.findall(text_of(module)):
            assert source in SCRIPTS[:place], f"{module}.js imports {source}.js"
            exported = set().union(*map(names_in, EXPORTS.findall(text_of(source))))
            assert names_in(names) <= exported, f"{module}.js takes from {source}.js"


def test_modules_in_one_scope_declare_no_name_twice():
    names = [name for module in SCRIPTS for name in DECLARED.findall(text_of(module))]
    assert sorted(names) == sorted(set(names))


def test_the_page_has_no_import_or_export_left():
    assert not re.search(r"^(import|export)\b", script(), re.MULTILINE)
