"""How numbers and runs read in progress lines."""

import math

from llcray.driver.progress.reports import RunReport


def duration(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def llc_text(llc: float, llc_mcse: float) -> str:
    """`LLC 12.3 ± 0.4`; empty where there is no number."""
    if not math.isfinite(llc):
        return ""
    return f"LLC {llc:.4g}" + (f" ± {llc_mcse:.2g}" if math.isfinite(llc_mcse) else "")


def plural(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def run_line(run: RunReport, label: str) -> str:
    """A finished run in one line."""
    if run.status == "failed":
        return f"{'halted' if run.is_halted else 'failed'}  {run.run_id}  {label}: {run.reason}"
    text = llc_text(run.llc, run.llc_mcse)
    return f"ok      {run.run_id}  {label}: {text} ({run.verdict})" if text else f"ok      {run.run_id}  {label}"
