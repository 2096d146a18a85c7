"""Text for a terminal: no control characters, and in the encoding of the stream. Loads click alone."""

import os
import re
import sys
from typing import Any

import click

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys instead of showing them: all controls but tab and newline, and those that turn the
direction of text.
"""
SHOWN_AS = "\ufffd"
PLAIN = {"±": "+-", "…": "...", "–": "-", "→": "->", SHOWN_AS: "?"}
"""Spellings for streams that cannot encode a character of ours."""


def printable(text: object) -> str:
    """Returns a text in which characters that a terminal would obey are replaced by one that it shows."""
    return CONTROLS.sub(SHOWN_AS, str(text))


def encodable(text: str, encoding: str | None) -> str:
    """Returns a text that a stream of this encoding takes; characters that it lacks are spelled out."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError as error:
        for character, plain in PLAIN.items():
            text = text.replace(character, plain)
        return text.encode(error.encoding, "backslashreplace").decode(error.encoding)
    return text


def echo(text: object, err: bool = False) -> None:
    """Prints a line that may hold text of users, files or datasets; where nobody reads any more, it prints nothing."""
    stream = sys.stderr if err else sys.stdout
    try:
        click.echo(encodable(printable(text), getattr(stream, "encoding", None)), err=err)
    except OSError:
        stop_stream(stream)


def stop_stream(stream: Any) -> None:
    """Lets a stream that nobody reads any more lead nowhere, so that nothing complains when it is flushed at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    except (OSError, ValueError):
        pass  # The stream has no file, so that nothing is flushed to one.
    finally:
        os.close(nowhere)
