"""README.md and docs/ say what the code does: Python runs, YAML loads, commands, options and links exist."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import polars as pl
import pytest

from llcray.cli import main
from llcray.samplers import Sampler
from llcray.spec import load_sweep
from llcray.spec.problems import Place
from llcray.spec.type_forms import kinds
from llcray.spec.yaml_tree import parse, plain

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CHECKPOINT = ROOT / "tests" / "targets" / "checkpoint" / "fixtures" / "gpt2"
TRACED = ROOT / "tests" / "aten" / "fixtures" / "probe.llcray"
WHOLE_SWEEP = {"question": "?", "targets": [{"kind": "quadratic", "num_params": 3}], "samplers": [{"kind": "auto"}]}
SLOW_PAGES = ("pytorch.md", "sweeps.md", "tracking.md")
"""Pages whose Python starts Ray, or takes more than a few seconds of compilation."""


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page, without the indentation that they may have within a list."""
    found = re.finditer(rf"^( *)```{language}\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{block[1]}", "", block[2], flags=re.MULTILINE) for block in found]


def pages_with(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def run_python(code: str, folder: Path) -> str:
    """What a user sees who pastes the code into a fresh Python, warnings being errors."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", code]
    environment = os.environ | {"POLARS_FMT_MAX_ROWS": "100"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(quickstart_results: Path, tmp_path: Path) -> Path:
    """The folder of a reader: results of the quickstart, a table, tokens and checkpoints."""
    shutil.copytree(quickstart_results, tmp_path / "results")
    rng = np.random.default_rng(0)
    pl.DataFrame({name: rng.normal(size=50) for name in ("rooms", "area", "price")}).write_csv(tmp_path / "mine.csv")
    (tmp_path / "probe.jsonl").write_text('{"input_ids": [1, 2, 3, 4, 5, 6, 7, 8]}\n' * 600)
    shutil.copy(TRACED, tmp_path / "probe.llcray")
    for folder, step in itertools.product(("run", "grpo"), (100, 200)):
        shutil.copytree(CHECKPOINT, tmp_path / folder / f"checkpoint-{step}")
    return tmp_path


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page.name in SLOW_PAGES else [], id=name_of(page))
        for page in pages_with("python")
        if page != README
    ],
)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, folder: Path):
    code = "\n".join(blocks(page, "python"))
    if "torch" in code:
        pytest.importorskip("torch")
    run_python(code, folder)


@pytest.mark.parametrize("page", pages_with("yaml"), ids=name_of)
def test_the_yaml_of_a_page_loads(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A part of a file is completed by a target and a sampler."""
    monkeypatch.chdir(folder)
    for text in blocks(page, "yaml"):
        text = text.replace("length: 128", "length: 8")  # the checkpoint of the tests has 32 positions
        node, _ = parse(text, Place(name_of(page), 1, 1))
        assert node is not None
        written = plain(node)
        if {"targets", "samplers", "posterior", "sampling", "components"} & set(written):
            assert load_sweep({"name": "page"} | WHOLE_SWEEP | written).runs


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_commands_of_a_page_exist_with_their_options(page: Path):
    text = page.read_text(encoding="utf-8")
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(llcray [^`]+)`", text)
    for line in lines:
        for part in re.split(r"&&|;|\|", line.partition("  #")[0]):
            words = part.split() if part.count('"') % 2 or part.count("'") % 2 else shlex.split(part)
            if words[:1] != ["llcray"] or len(words) == 1 or not words[1].isidentifier() or words[1].isupper():
                continue
            command = main.commands[words[1]]
            known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}
            used = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
            assert isinstance(command, click.Command) and used <= known, (line, used - known)


def test_the_printed_estimate_is_what_comes_out(folder: Path):
    """Catches an example whose output is of another time: the two agree within four errors."""
    [code] = [block for block in blocks(README, "python") if "estimate_llc" in block]
    [shown] = [block for block in blocks(README, "text") if block.startswith("LLC")]
    (llc, error), (seen, _) = (
        map(float, re.match(r"LLC ([\d.]+) \S+ ([\d.]+)", text).groups())  # pyright: ignore[reportOptionalMemberAccess]
        for text in (shown, run_python(code, folder))
    )
    assert abs(llc - seen) < 4 * error and abs(seen - 2) < 4 * error


def test_the_dataset_is_read_in_five_lines(folder: Path):
    """Catches a renamed column or sweep: every noise rate and sampler of the quickstart shows."""
    [code] = [block for block in blocks(README, "python") if "scan_runs" in block]
    assert len([line for line in code.splitlines() if line]) <= 5
    shown = run_python(code, folder)
    for value in ("0.1", "0.3", "auto", "hmc"):
        assert value in shown


def test_the_sweep_of_the_readme_is_short_and_has_the_runs_it_shows(folder: Path):
    [text] = blocks(README, "yaml")
    [shown] = [block for block in blocks(README, "text") if "widths  sampler" in block]
    assert len(text.splitlines()) <= 12
    (folder / "widths.yaml").write_text(text)
    rows = [line for line in shown.splitlines() if line[0].isdigit()]
    assert len(load_sweep(folder / "widths.yaml").runs) == len(rows) == 8


def test_the_readme_is_short_and_says_what_an_llc_is():
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 130 and len(text.split()) < 1000
    assert "local learning coefficient" in text


def test_every_command_has_its_line_in_the_list():
    named = set(re.findall(r"llcray ([a-z]+)", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")))
    assert set(main.commands) <= named


def test_every_sampler_has_its_line_in_the_list():
    page = (ROOT / "docs" / "samplers.md").read_text(encoding="utf-8")
    table = page[page.index("| sampler |") :].partition("\n\n")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    assert listed == set(kinds(Sampler))


@pytest.mark.parametrize("page", [README, ROOT / "CONTRIBUTING.md", ROOT / "experiments" / "README.md"], ids=name_of)
def test_links_lead_somewhere(page: Path):
    """Links among the pages of docs/ are checked where the site is built."""
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_every_experiment_has_a_page():
    shipped = {path.stem for path in (ROOT / "experiments").glob("*.yaml")}
    assert shipped == {path.stem for path in (ROOT / "docs" / "experiments").glob("*.md")}
