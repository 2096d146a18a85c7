"""The command `llcray stages`: finds the stages of a sweep's series, writes them to the dataset and prints them."""

from llcray_storage import Dataset, StorageError, scan_runs
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from llcray.stages.table import Method, Row, stage_rows


class NoSeriesError(StorageError):
    """The error that no training of a sweep has enough checkpoints."""


def find_stages(uri: str, sweep: str, metric: str, method: Method, console: Console) -> list[Row]:
    """Finds, writes and prints the stages of a metric; returns the rows written.

    Raises:
        NoSeriesError: There is no series of five checkpoints.
        StorageError: The dataset has no such sweep, or `runs` has no such column.
    """
    dataset = Dataset.open(uri)
    frame = scan_runs(uri, sweep)
    schema = frame.collect_schema()
    if metric not in schema or not schema[metric].is_numeric():
        numbers = "llc, test_loss, test_accuracy, loss_at_center"
        raise StorageError(f"metric '{metric}' is no number column of runs. Use one like {numbers}.")
    rows = stage_rows(frame.collect(), metric, method)
    if not rows:
        raise NoSeriesError(
            f"sweep '{sweep}' has no series of five checkpoints with a finite {metric}. "
            "Give its targets `checkpoints: {steps: log, num: 40}`."
        )
    dataset.write_stages(sweep, metric, method, rows)
    console.print(_table(rows, metric, method))
    for line in sorted({warning for row in rows for warning in row["warnings"]}):
        console.print(f"note: {line}")
    return rows


def _table(rows: list[Row], metric: str, method: Method) -> Table:
    varying = [name for name in ("label", "seed", "component", "sampler_kind") if len({row[name] for row in rows}) > 1]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for header in (*varying, "stage", "steps", "ends, 95%", "found", metric, "", "z", "q"):
        table.add_column(header, justify="left" if header in (*varying, "") else "right", overflow="fold")
    for row in rows:
        names = ["" if row[name] is None else str(row[name]) for name in varying]
        shown = f"{row['value_at_start']:.3g} -> {row['value_at_end']:.3g}"
        table.add_row(
            *names,
            str(row["stage"] + 1),
            f"{row['start_step']:,.0f} -> {row['end_step']:,.0f}",
            _interval(row),
            f"{row['end_frequency']:.0%}" if row.get("end_frequency") is not None else "",
            f"{row['value_at_end']:.3g}" if method == "changepoints" else shown,
            row["direction"],
            f"{row['z']:.1f}",
            f"{row['q_value']:.0e}",
        )
    return table


def _interval(row: Row) -> str:
    low, high = row.get("end_step_low"), row.get("end_step_high")
    return "" if low is None or high is None else f"{low:,.0f}-{high:,.0f}"
