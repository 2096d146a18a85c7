"""Failpoints: named places between the steps of every write, at which a test can stop the process.

`failpoint("commit.run_put")` stands right after the step that its name tells. It does nothing unless a test observes
it.
"""

from collections.abc import Callable


def _ignore(name: str) -> None:
    pass


_observer: Callable[[str], None] = _ignore


def observe(observer: Callable[[str], None]) -> None:
    """Call `observer` with the name of every failpoint that this process reaches from now on."""
    global _observer
    _observer = observer


def failpoint(name: str) -> None:
    """Tell the observer that the step before this failpoint is done."""
    _observer(name)
