"""README.md says what the code does: its Python runs, its YAML loads, its commands and links exist."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from llcray.cli import main
from llcray.samplers import SamplerVariant
from llcray.spec import load_sweep

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def block_with(language: str, word: str) -> str:
    [found] = [block for block in blocks(language) if word in block]
    return found


def run_python(code: str, folder: Path) -> str:
    """What a user sees who pastes the code into a fresh Python, warnings being errors."""
    command = [sys.executable, "-W", "error::UserWarning", "-c", code]
    environment = os.environ | {"POLARS_FMT_MAX_ROWS": "100"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_dataset_is_read_in_five_lines(quickstart_results: Path, tmp_path: Path):
    """Catches a renamed column or sweep: every noise rate and sampler of the quickstart shows."""
    shutil.copytree(quickstart_results, tmp_path / "results")
    code = block_with("python", "scan_runs")
    assert len([line for line in code.splitlines() if line]) <= 5
    shown = run_python(code, tmp_path)
    for value in ("0.1", "0.3", "sgld", "hmc", "mclmc"):
        assert value in shown


def test_the_python_example_estimates_what_it_says(tmp_path: Path):
    """The block asserts its own answer, 4/2 for four regular parameters."""
    assert "LLC" in run_python(block_with("python", "estimate_llc"), tmp_path)


def test_every_python_block_is_run_by_a_test():
    assert len(blocks("python")) == 2


def test_the_sweep_of_the_readme_loads(tmp_path: Path):
    """The counts follow from its axes: 3 widths x 2 activations x 3 replicates x 2 samplers."""
    [text] = blocks("yaml")
    file = tmp_path / "widths.yaml"
    file.write_text(text)
    assert len(load_sweep(file).runs) == 36
    assert len(load_sweep(file, ["targets.data.num_data=500"]).runs) == 36


def test_every_command_of_the_readme_exists():
    named = set(re.findall(r"(?:`|^|&& |--no-sync )llcray ([a-z]+)", README, re.MULTILINE))
    assert {"sweep", "plan", "plot", "query"} <= named
    assert named <= set(main.commands)


def test_the_readme_names_every_command():
    named = set(re.findall(r"llcray ([a-z]+)", README))
    assert set(main.commands) <= named


def test_the_readme_lists_every_sampler():
    rows = [line for line in README.splitlines() if line.startswith("| `") and "llcray" not in line]
    listed = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    kinds = {kind.model_fields["kind"].default for kind in concrete(SamplerVariant)}
    assert listed == kinds


def concrete(base: type[SamplerVariant]) -> list[type[SamplerVariant]]:
    """Every variant with a kind below `base`."""
    return [
        kind
        for child in base.__subclasses__()
        for kind in (child, *concrete(child))
        if kind.__module__.startswith("llcray.samplers.") and "kind" in kind.model_fields
    ]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str):
    for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert link.startswith("https://") or (ROOT / link).exists(), link
