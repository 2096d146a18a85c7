"""Lines of the user's code that operators of a trace come from."""

import re
from pathlib import Path

import torch

FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in \S+(?:\n {4}(?P<code>[^\n]*))?')
NOT_USERS = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]), "<eval_with_key>")
"""Beginnings of the names of files that are torch's, llcray's, or that torch writes of a graph."""


def at(trace: str | None) -> str:
    """The innermost line outside of torch and llcray in a stack trace, in the words of an error.

    An example is ` (at model.py:12, h = torch.rand_like(x))`; the text is empty where there is no such line.
    """
    own = [frame for frame in FRAME.finditer(trace or "") if not frame["file"].startswith(NOT_USERS)]
    if not own:
        return ""
    file, line, code = own[-1].group("file", "line", "code")
    return f" (at {Path(file).name}:{line}{f', {code.strip()}' if code else ''})"
