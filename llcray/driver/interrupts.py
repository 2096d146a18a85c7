"""Ctrl-C and SIGTERM: noted while trials run, so that the sweep stops between two events; at other times they raise."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While entered, handles the signals that ask the program to stop.

    Attributes:
        received: Whether one has come.
        deferred: While true the first signal is noted only; the second raises.
    """

    def __init__(self) -> None:
        """Nothing is handled before `with`."""
        self.received = False
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
        del number, frame
        again, self.received = self.received, True
        if again or not self.deferred:
            raise KeyboardInterrupt
