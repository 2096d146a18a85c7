"""Counts and time left of a sweep, in one line."""

from llcray.driver.progress.tracker import Tracker
from llcray.driver.wording import duration
from llcray.report.numbers import plural


def state_line(tracker: Tracker) -> str:
    """Writes counts and time left in one line."""
    parts = [f"{len(tracker.finished)}/{plural(tracker.num_runs, 'run')} done"]
    if tracker.num_failed:
        parts.append(f"{tracker.num_failed} failed")
    if tracker.running:
        parts.append(f"{plural(len(tracker.running), 'trial')} running on {tracker.devices}")
    left = tracker.seconds_left()
    if left is not None and tracker.running:
        parts.append(f"about {duration(left)} left")
    return f"{tracker.sweep}: {', '.join(parts)}"
