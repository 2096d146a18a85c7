"""Executed notebooks: made from the sources in docs/tutorials, and turned into pages of the site.

`python docs/site/notebooks.py [NAME ...]` executes sources (it needs the extra `dev`) and writes a notebook beside
each; a test executes them in CI. Pages show the notebooks as they were executed last.
"""

import base64
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

TUTORIALS = Path(__file__).parents[1] / "tutorials"
SECONDS = 900
SHOWN_AS_HTML, SHOWN_AS_PICTURE, SHOWN_AS_TEXT = "text/html", "image/png", "text/plain"


def execute(source: Path, folder: Path) -> Any:
    """The notebook of a source, executed in a folder.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(source)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}})
    executed = client.execute()
    for cell in executed.cells:
        cell.metadata.pop("execution", None)  # times of day
    return executed


def as_markdown(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """The page of an executed notebook, and its pictures by file name."""
    pictures: dict[str, bytes] = {}
    parts = [part for cell in notebook["cells"] for part in _cell(cell, name, pictures)]
    return "\n\n".join(parts) + "\n", pictures


def _cell(cell: dict[str, Any], name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        yield from _output(output, name, pictures)


def _output(output: dict[str, Any], name: str, pictures: dict[str, bytes]) -> Iterator[str]:
    data = {kind: "".join(value) for kind, value in output.get("data", {}).items() if isinstance(value, str | list)}
    if output["output_type"] == "stream":
        if output["name"] == "stdout":
            yield f"```text\n{''.join(output['text']).rstrip()}\n```"
    elif SHOWN_AS_PICTURE in data:
        file = f"{name}_{len(pictures)}.png"
        pictures[file] = base64.b64decode(data[SHOWN_AS_PICTURE])
        yield f"![The figure that the cell above draws]({file})"
    elif data.get(SHOWN_AS_HTML):
        yield f'<div class="output">{_in_one_block(data[SHOWN_AS_HTML])}</div>'
    elif output["output_type"] == "execute_result" and SHOWN_AS_TEXT in data:
        yield f"```text\n{data[SHOWN_AS_TEXT]}\n```"


def _in_one_block(html: str) -> str:
    """HTML without blank lines, at which Markdown would end it."""
    return "\n".join(line for line in html.splitlines() if line.strip())


def main(names: Sequence[str]) -> None:
    """Executes the tutorials of these names, or all of them, and writes their notebooks."""
    for source in sorted(TUTORIALS.glob("*.py")):
        if names and source.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            notebook = execute(source, Path(folder))
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        source.with_suffix(".ipynb").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
