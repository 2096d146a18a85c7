"""Ctrl-C and SIGTERM: noted while trials run, so that the sweep stops between two events; at other times they raise."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from llcray.driver.cluster.driver_state import Wish

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While entered, handles the signals that ask the program to stop.

    On a terminal the first Ctrl-C asks to let the trials under way end, the second to stop now; elsewhere the first
    signal of any kind asks to stop now. One more raises.

    Attributes:
        wish: What the signals so far ask for.
        deferred: While true signals are noted only.
    """

    def __init__(self) -> None:
        """Nothing is handled before `with`."""
        self.wish: Wish = ""
        self.deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Takes over the signals."""
        self.install()
        return self

    def install(self) -> None:
        """Takes over the signals, also from those who took them since; a thread other than the main one cannot."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            before = signal.signal(number, self._handle)
            self._before.setdefault(number, before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.wish == "stop" or not self.deferred:
            raise KeyboardInterrupt
        patient = number == signal.SIGINT and self.wish == "" and sys.stdin.isatty()
        self.wish = "drain" if patient else "stop"
