"""Text of users, files and rows is printed as it stands, on any stream, and output never ends the work."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import llcray_storage as ls
import pytest
from click.testing import CliRunner, Result
from rich.live import Live

from llcray.cli import main
from llcray.terminal.console import Terminal
from llcray.terminal.text import encodable, printable

TEXTS = [
    "in [d/4, d/2] for [relu] networks?",
    "arguments [/x] one",
    "[bold]not bold[/bold] [link=http://evil]x[/link]",
    "TypeError [python_build.py:51 call_factory, python_build.py:22]",
    "100% {braces} $HOME `id` :smile: \\n",
    "' OR 1=1; DROP TABLE runs; --",
    "*?[a-z]* ~ <b>&amp;</b>",
]
OBEYED = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;pwn\x07",
    "one-byte escape": "\x9b2J",
    "goes back": "trusted\rfailed",
    "erases": "bad\x08\x08\x08ok",
    "turns the text": "\u202eko",
}


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"COLUMNS": "200"})


def dataset_with(root: Path, text: str) -> Path:
    dataset = ls.Dataset.create_or_open(root)
    common = {"sweep": "s", "target_id": "t1", "sampler_kind": "sgld"}
    dataset.write_run({"run_id": "r1", "status": "failed", "reason": text, "label": text, **common})
    dataset.write_run({"run_id": "r2", "status": "done", "verdict": "ok", "llc": 1.0, "label": text, **common})
    dataset.write_run({"run_id": "r3", "status": "done", "verdict": "ok", "llc": 1.0, "label": "other", **common})
    return root


def sweep_file(folder: Path, question: str) -> Path:
    path = folder / "asked.yaml"
    path.write_text(
        f"name: asked\nquestion: {json.dumps(question)}\n"
        "targets:\n  - {kind: quadratic, num_params: 2}\nsamplers:\n  - {kind: hmc}\n"
    )
    return path


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_printed_as_they_are(tmp_path, text):
    root = dataset_with(tmp_path / "results", text)
    for command in (
        ["status", root],
        ["status", root, "--sweep", "s"],
        ["query", root, "SELECT run_id, reason FROM runs ORDER BY run_id"],
        ["query", root, "SELECT label FROM runs"],
    ):
        result = run(*command)
        assert result.exit_code == 0, result.output
        assert text in result.output, (command, result.output)


@pytest.mark.parametrize("text", TEXTS)
def test_a_question_is_printed_as_it_is(tmp_path, text):
    result = run("plan", sweep_file(tmp_path, text))
    assert result.exit_code == 0, result.output
    assert text in " ".join(result.output.split()) or text in result.output


@pytest.mark.parametrize("text", OBEYED.values(), ids=OBEYED)
def test_a_terminal_obeys_no_text_of_rows_or_files(tmp_path, text):
    root = dataset_with(tmp_path / "results", text)
    commands = [
        ["status", root],
        ["status", root, "--sweep", "s"],
        ["query", root, "SELECT reason, label FROM runs"],
        ["query", root, f'SELECT llc AS "{text}" FROM runs'],
        ["query", root, f"SELECT {text} FROM runs"],
        ["status", tmp_path / text.replace("/", "")],
        ["plan", tmp_path / f"{text}.yaml"],
    ]
    if text.isascii():
        commands.append(["plan", sweep_file(tmp_path, text)])
    for command in commands:
        result = run(*command)
        assert printable(result.stdout.replace("\r\n", "\n")) == result.stdout, command
        assert printable(result.stderr) == result.stderr, command
        assert "Traceback" not in result.stderr


def test_characters_that_a_stream_lacks_are_spelled_out():
    assert encodable("1 ± 2 …", "ascii") == "1 +- 2 ..."
    assert encodable("λ ± 2", "ascii") == "\\u03bb +- 2"
    assert encodable("λ ± 2", "utf-8") == "λ ± 2"
    assert encodable("λ ± 2", "latin-1") == "\\u03bb +- 2"


def command_line(*words: str | Path, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "llcray.cli", *map(str, words)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "200"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **options)  # type: ignore[call-overload]


def test_a_stream_of_ascii_takes_every_text(tmp_path):
    root = dataset_with(tmp_path / "results", "Größe λ → ∞ ± 1 😀")
    for words in (
        ("status", root),
        ("status", root, "--sweep", "s"),
        ("query", root, "SELECT reason FROM runs"),
        ("query", root, "SELECT reason FROM runs", "--csv"),
        ("plan", tmp_path / "λ.yaml"),
    ):
        stdout, stderr = command_line(*words).communicate()
        assert b"Traceback" not in stderr, stderr.decode()
        assert stdout.isascii() and stderr.isascii()


def test_a_reader_that_leaves_is_no_error(tmp_path):
    root = dataset_with(tmp_path / "results", "x" * 100)
    for words in (("status", root), ("query", root, "SELECT * FROM runs", "--csv"), ("verify", root)):
        process = command_line(*words)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        stderr = process.stderr.read()
        assert process.wait() == 0, stderr.decode()
        assert stderr == b""
        process.stderr.close()


class GoneTerminal(io.StringIO):
    """A stream whose terminal is gone: every write fails as the kernel makes it fail."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def test_a_terminal_that_is_gone_ends_no_work():
    terminal = Terminal(file=GoneTerminal(), force_terminal=True)
    terminal.print("not read by anybody")
    with Live(console=terminal, auto_refresh=False) as live:
        live.update("nor this", refresh=True)
    terminal.print("nor this")
