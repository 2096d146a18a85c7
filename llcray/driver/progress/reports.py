"""What a worker tells the driver. Plain records: they cross process boundaries."""

import math
from dataclasses import dataclass
from typing import Literal

HALTED = "halted"
"""How the reason of a run begins that was given up by successive halving."""


@dataclass(frozen=True)
class RunReport:
    """A run whose row is in the dataset.

    Attributes:
        run_id: Its id.
        status: `ok` or `failed`.
        llc: Estimate, nats; NaN where there is none.
        llc_mcse: Its Monte Carlo standard error, nats.
        verdict: Of the diagnostics; empty for a failed run.
        reason: Why it failed; empty otherwise.
        seconds: Sampling and compilation.
        num_gradients: Work, full-data equivalents.
    """

    run_id: str
    status: Literal["ok", "failed"]
    llc: float = math.nan
    llc_mcse: float = math.nan
    verdict: str = ""
    reason: str = ""
    seconds: float = 0.0
    num_gradients: float = 0.0

    @property
    def is_halted(self) -> bool:
        """Whether it was given up by successive halving."""
        return self.status == "failed" and self.reason.startswith(HALTED)


@dataclass(frozen=True)
class TrialReport:
    """How far a trial is.

    Attributes:
        finished: Runs committed since the last report.
        phase: What it does now, in one word.
        run_id: The run it does it for; empty while the target is built.
        llc: Running estimate of that run, nats; NaN before the first draws.
        llc_mcse: Its standard error, nats; NaN where not known yet.
        fraction: Share of that run's budget that is spent.
        num_gradients: What that run has spent, full-data equivalents.
        relative_error: Running error over estimate (`llcray.driver.trials.halving`); NaN before the first draws.
    """

    finished: tuple[RunReport, ...] = ()
    phase: str = "starting"
    run_id: str = ""
    llc: float = math.nan
    llc_mcse: float = math.nan
    fraction: float = 0.0
    num_gradients: float = 0.0
    relative_error: float = math.nan


def llc_text(llc: float, llc_mcse: float) -> str:
    """`LLC 12.3 ± 0.4`; empty where there is no number."""
    if not math.isfinite(llc):
        return ""
    return f"LLC {llc:.4g}" + (f" ± {llc_mcse:.2g}" if math.isfinite(llc_mcse) else "")


def run_line(run: RunReport, label: str) -> str:
    """A finished run in one line."""
    if run.status == "failed":
        return f"{'halted' if run.is_halted else 'failed'}  {run.run_id}  {label}: {run.reason}"
    text = llc_text(run.llc, run.llc_mcse)
    return f"ok      {run.run_id}  {label}: {text} ({run.verdict})" if text else f"ok      {run.run_id}  {label}"
