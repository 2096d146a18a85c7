"""The reports that a worker sends to the driver, and how they are written for people."""

import math
from dataclasses import dataclass

from llcray_storage.estimate_words import estimate_of, estimate_text
from llcray_storage.schema.status import FAILED, Status

HALTED = "halted"
"""First word of the reason of a run that successive halving has given up."""


@dataclass(frozen=True)
class RunReport:
    """The result of a run whose row is in the dataset.

    Attributes:
        run_id: Id of the run.
        status: `done` or `failed`.
        llc: Estimate, nats; NaN where there is none.
        llc_mcse: Monte Carlo standard error of the estimate, nats.
        llc_sampling_se: Its sampling error: the former, and what is uncertain of the step-size bias, nats.
        localization_se: How far a smaller localization could move it, nats.
        localization: gamma.
        n_beta: n times the inverse temperature.
        verdict: Verdict of the diagnostics; empty for a failed run.
        reason: Why the run failed; empty otherwise.
        seconds: Time of sampling and compilation.
        compile_seconds: Time of compilation alone.
        num_gradients: Gradients of the run, full-data equivalents.
    """

    run_id: str
    status: Status
    llc: float = math.nan
    llc_mcse: float = math.nan
    llc_sampling_se: float = math.nan
    localization_se: float = math.nan
    localization: float = math.nan
    n_beta: float = math.nan
    verdict: str = ""
    reason: str = ""
    seconds: float = 0.0
    compile_seconds: float = 0.0
    num_gradients: float = 0.0

    @property
    def is_halted(self) -> bool:
        """Whether the run was given up by successive halving."""
        return self.status == FAILED and self.reason.startswith(HALTED)


@dataclass(frozen=True)
class TrialReport:
    """The progress of a trial.

    Attributes:
        finished: Runs committed since the last report.
        phase: What the trial does now, in one word.
        run_id: The run that the trial works on; empty while the target is built.
        llc: Running estimate of that run, nats; NaN before the first draws.
        llc_mcse: Standard error of the running estimate, nats; NaN where not known yet.
        fraction: Share of that run's budget that is spent.
        num_gradients: Gradients that the run has spent, full-data equivalents.
        relative_error: `llcray.llc.summary.running_error` of the run; NaN before the first draws.
    """

    finished: tuple[RunReport, ...] = ()
    phase: str = "starting"
    run_id: str = ""
    llc: float = math.nan
    llc_mcse: float = math.nan
    fraction: float = 0.0
    num_gradients: float = 0.0
    relative_error: float = math.nan


def running_text(report: TrialReport) -> str:
    """Writes a running estimate as `LLC 12.30 ± 0.40 (sampling)`; empty where there is no number."""
    return f"LLC {estimate_text(report.llc, report.llc_mcse)}" if math.isfinite(report.llc) else ""


def run_line(run: RunReport, label: str) -> str:
    """Writes a finished run in one line."""
    if run.status == FAILED:
        return f"{'halted' if run.is_halted else 'failed'}  {run.run_id}  {label}: {run.reason}"
    if not math.isfinite(run.llc):
        return f"done    {run.run_id}  {label}"
    return f"done    {run.run_id}  {label}: LLC {estimate_of(vars(run))}: {run.verdict}"
