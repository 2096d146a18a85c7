"""Handles Ctrl-C, SIGTERM, and SIGHUP of a terminal that is closed.

While trials run, signals are noted, so that the sweep stops between two events of Ray Tune's. At other times they raise
KeyboardInterrupt.
"""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from llcray.driver.cluster.driver_state import StopRequest

SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Interrupts:
    """Handles the signals that ask the program to stop, between `with` and its end.

    On a terminal the first Ctrl-C asks to let the trials under way end, and the second to stop now; elsewhere the first
    signal of any kind asks to stop now. One more signal raises KeyboardInterrupt.

    Attributes:
        stop_request: What the signals so far ask for.
        deferred: Whether signals are only noted, instead of raising.
    """

    def __init__(self) -> None:
        self.stop_request: StopRequest = ""
        self.deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.install()
        return self

    def install(self) -> None:
        """Takes over the signals, also from code that took them since; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) == signal.SIG_IGN:  # as nohup sets SIGHUP
                continue
            before = signal.signal(number, self._handle)
            self._before.setdefault(number, before)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.stop_request == "stop" or not self.deferred:
            raise KeyboardInterrupt
        patient = number == signal.SIGINT and self.stop_request == "" and sys.stdin.isatty()
        self.stop_request = "drain" if patient else "stop"
