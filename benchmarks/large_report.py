"""How long `llcray report` takes over many runs, how large its page is, and how fast a browser opens it.

The runs are synthetic (the generator of the tests) but go through the real writer. Bars for 2,000 runs: made in 20 s,
15 MB, open in 3 s in headless Chromium. Needs selenium, chromium and chromedriver.

    python benchmarks/large_report.py [--runs 2000] [--keep FOLDER]
"""

import argparse
import importlib.util
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import llcray_storage as ls
import numpy as np

GENERATOR = Path(__file__).parents[1] / "tests" / "report" / "conftest.py"
BROWSER_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DOUBTS = {7: "not_converged", 31: "biased_step", 57: "escaped", 83: "diverged"}


def generator() -> ModuleType:
    """The tests' maker of synthetic runs."""
    spec = importlib.util.spec_from_file_location("synthetic_runs", GENERATOR)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def points(samplers: tuple[dict[str, Any], ...]) -> Iterator[tuple[dict[str, Any], float]]:
    """Axes and LLC of widths x noise x activation x seed x sampler, without end."""
    for seed in itertools.count():
        for width, rate, activation in itertools.product((4, 8, 16, 32), (0.0, 0.1, 0.2, 0.3, 0.4), ("relu", "tanh")):
            shift = np.random.default_rng([seed, width, round(10 * rate), len(activation)]).normal(0, 1.5)
            for sampler in samplers:
                axes = {
                    "target_kind": "trained",
                    "seed": seed,
                    "architecture_kind": "mlp",
                    "architecture_widths": [width],
                }
                axes |= {"architecture_activation": activation, "data_kind": "digits"}
                axes |= {"noise_kind": "label_flip", "noise_rate": rate}
                yield axes | sampler, 10 + width - 10 * rate + shift


def write_runs(root: Path, num_runs: int) -> None:
    """A sweep of so many runs with 4 chains x 400 draws; some are doubtful, some failed."""
    made = generator()
    dataset = ls.Dataset.create_or_open(root)
    dataset.write_sweep_file(ls.SweepFile("large", "Does the page stay quick?", "name: large\n"))
    for number, (axes, llc) in enumerate(itertools.islice(points(made.SAMPLERS), num_runs)):
        row, draws = made.synthetic_run("large", axes, llc)
        if number % 101 == 50:
            row, draws = (
                {**axes, "run_id": row["run_id"], "sweep": "large", "status": "failed", "reason": "synthetic"},
                [],
            )
        elif number % 101 in DOUBTS:
            row |= {"verdict": DOUBTS[number % 101], "verdict_reason": "synthetic"}
        dataset.write_run(row, draws)


def seconds_to_open(page: Path) -> tuple[float, float]:
    """Seconds from the start of loading until the answer is drawn, and until everything is."""
    from selenium import webdriver
    from selenium.webdriver.support.wait import WebDriverWait

    options = webdriver.ChromeOptions()
    with tempfile.TemporaryDirectory() as profile:
        for argument in (*BROWSER_OPTIONS, f"--user-data-dir={profile}", "--window-size=1200,900"):
            options.add_argument(argument)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.get("about:blank")
            driver.get(page.as_uri())
            wait = WebDriverWait(driver, 60)
            wait.until(lambda driver: driver.execute_script("return document.body.dataset.ready") == "yes")
            times = driver.execute_script("return [document.body.dataset.shown, document.body.dataset.complete]")
            return float(times[0]) / 1000, float(times[1]) / 1000
        finally:
            driver.quit()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--keep", type=Path, help="folder for dataset and page; a dataset there is used again")
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp())
    root, page = folder / "results", (folder / "report.html").absolute()
    if not root.exists():
        write_runs(root, arguments.runs)
        ls.compact(str(root))
    started = time.perf_counter()
    command = [sys.executable, "-m", "llcray.cli", "report", str(root), "-o", str(page)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    made = time.perf_counter() - started
    shown, complete = min(seconds_to_open(page) for _ in range(3))
    print(
        f"{arguments.runs} runs: made in {made:.1f} s (bar 20), {page.stat().st_size / 1e6:.1f} MB (bar 15), ", end=""
    )
    print(f"answer drawn in {shown:.2f} s (bar 3), all in {complete:.2f} s")
    if arguments.keep is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
