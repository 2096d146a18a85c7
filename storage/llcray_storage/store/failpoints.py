"""Named points between the steps of every write, so that tests can stop a process exactly there."""

from collections.abc import Callable


def _go_on(point: str) -> None:
    """Nothing happens at a point unless a test asked for it."""


_observer: Callable[[str], None] = _go_on


def observe(observer: Callable[[str], None]) -> None:
    """Have `observer` called with the name of every point this process reaches from now on."""
    global _observer
    _observer = observer


def reached(point: str) -> None:
    """Say that the step before `point` is done."""
    _observer(point)
