"""HTML that notebooks show, and progress that only people see."""

import io
import sys

import pytest

from llcray.display import html
from llcray.display.progress import NoBar, bar_html, in_notebook, progress_bar


def test_texts_of_users_are_no_markup():
    shown = html.titled_list(html.text("<b>"), [("<i>", html.bold("<u>"))], "<s>")
    assert all(tag not in shown for tag in ("<i>", "<u>", "<s>"))
    assert html.grid(["<x>"], [[html.text("a & b")]]).count("&") == 3


@pytest.mark.parametrize(("name", "sign"), [("ok", "✓"), ("biased_step", "!"), ("<script>", "!")])
def test_a_verdict_has_a_sign_beside_its_colour(name: str, sign: str):
    shown = html.verdict(name)
    assert sign in shown and "<script>" not in shown


def test_a_script_sees_no_bar(capsys: pytest.CaptureFixture[str]):
    """Catches escape codes in log files."""
    with progress_bar("LLC") as bar:
        bar.show(0.5, "sampling")
    assert isinstance(bar, NoBar) and not in_notebook()
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_a_bar_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("LLC") as bar:
        bar.show(0.5, "sampling, 2.01")
    assert "LLC" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[2K")


def test_a_bar_of_a_notebook_escapes_its_words():
    assert "<b>" not in bar_html(0.5, "<b>")
