"""`llcray report --watch`: the page of a sweep under way, served to this machine alone until Ctrl-C."""

import html
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import polars as pl
from llcray_storage import fingerprint
from llcray_storage.errors import UserError
from llcray_storage.store.settings import Root

from llcray.report.errors import ReportError
from llcray.report.page.page import FIELD, Place, page_text, part

LOOPBACK = "127.0.0.1"
SECONDS = 2
"""Seconds between two looks at the dataset, and between two questions of the page that waits for it."""
UNREADABLE = (OSError, pl.exceptions.PolarsError)
"""What readers raise on a file that is damaged, or gone in between."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def watch(root: Root, sweep: str | None, question: str | None, port: int, say: Callable[[str], None]) -> None:
    """Serves the page of a sweep until Ctrl-C; the page loads itself anew when the dataset changes.

    Args:
        root: The dataset, which need not be there yet.
        sweep: Name of the sweep; None when the dataset holds one.
        question: What the sweep was to answer, for the heading; None for what its file says.
        port: Port on the loopback interface; 0 for a free one.
        say: Called with the address.

    Raises:
        ReportError: The port is taken.
    """
    try:
        server = PageServer(LivePage(root, sweep, question), port)
    except OSError as error:
        raise ReportError(f"port {port} cannot be had: {error.strerror}. Give another --port, or none.") from error
    with server:
        say(f"{server.address}  (Ctrl-C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("Ended.")


class LivePage:
    """The page of a sweep and the state of the dataset that it shows, made anew when that has changed."""

    def __init__(self, root: Root, sweep: str | None, question: str | None, seconds: float = SECONDS) -> None:
        """Takes what `watch` takes, and the seconds between two looks at the dataset."""
        self._asked = (root, sweep, question)
        self._seconds = seconds
        self._lock = threading.Lock()
        self._looked_at = -float("inf")
        self._version = ""
        self._shown: tuple[str, str] | None = None

    def version(self) -> str:
        """A text that changes with the dataset; the dataset is looked at once in `seconds` at most."""
        with self._lock:
            return self._present_version()

    def text(self) -> str:
        """The page, or one that says why there is none yet and asks again."""
        with self._lock:
            version = self._present_version()
            if self._shown is None or self._shown[0] != version:
                self._shown = (version, self._made(version))
            return self._shown[1]

    def _present_version(self) -> str:
        if time.monotonic() - self._looked_at >= self._seconds:
            root, sweep, _ = self._asked
            try:
                self._version = fingerprint(root, sweep)
            except (UserError, *UNREADABLE) as error:
                self._version = str(error)
            self._looked_at = time.monotonic()
        return self._version

    def _made(self, version: str) -> str:
        root, sweep, question = self._asked
        try:
            return page_text(root, sweep, question, Place(version=version))
        except UserError as error:
            reason = str(error)
        except UNREADABLE:
            reason = f"A file of the dataset cannot be read: `llcray verify {root}` says which."
        fields = {"REASON": html.escape(reason), "SECONDS": str(SECONDS), "STYLE": part("page.css")}
        return FIELD.sub(lambda field: fields[field[1]], part("waiting.html"))


class PageServer(ThreadingHTTPServer):
    """A server of one page on the loopback interface.

    The page lies under a name that nobody can guess: other users of the machine, and pages of the web that the user has
    open, reach the port, but not the page.
    """

    daemon_threads = True

    def __init__(self, page: LivePage, port: int) -> None:
        self.page = page
        self.token = secrets.token_urlsafe(24)
        super().__init__((LOOPBACK, port), PageHandler)

    @property
    def address(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def answer(self, host: str | None, path: str) -> tuple[str, Callable[[], str]] | None:
        """The type and the text of what lies at a path; None for nothing.

        A name other than the loopback's is refused: a page of the web can let a name of its own point here.
        """
        if host not in (f"{LOOPBACK}:{self.server_port}", f"localhost:{self.server_port}"):
            return None
        kept = {"": ("text/html", self.page.text), "version": ("text/plain", self.page.version)}
        start, _, name = path.removeprefix("/").partition("/")
        return kept.get(name) if secrets.compare_digest(start.encode(), self.token.encode()) else None


class PageHandler(BaseHTTPRequestHandler):
    """The answers to requests: the page, the state of the dataset, or that there is nothing."""

    server: PageServer  # pyright: ignore[reportIncompatibleVariableOverride]
    server_version, sys_version = "llcray", ""
    timeout = 30

    def do_GET(self) -> None:
        """Answers a request."""
        found = self.server.answer(self.headers.get("Host"), self.path)
        if found is None:
            self.send_error(404)
            return
        kind, make = found
        body = make().encode()
        self.send_response(200)
        for name, value in {**HEADERS, "Content-Type": f"{kind}; charset=utf-8"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing of requests."""
