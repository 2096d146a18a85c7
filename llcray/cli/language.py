"""Commands about the language of sweep files: its reference, its JSON Schema, and a first file."""

import json
from pathlib import Path

import click

SCHEMA_FILE = "llcray.schema.json"


@click.command()
@click.argument("name", required=False)
def explain(name: str | None) -> None:
    """Say what a key or a kind of a sweep file means: `samplers.sgld`, `data.file`, `step_size`, `gamma`.

    Without NAME: the keys of a sweep file.
    """
    from llcray.reference.terminal import explain as print_entries
    from llcray.terminal.console import Terminal

    print_entries(name, Terminal(highlight=False))


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; standard output if left out.")
def schema(output: Path | None) -> None:
    """Print the JSON Schema of sweep files, for completion and checks in editors."""
    from llcray.reference import json_schema
    from llcray.terminal.text import echo

    text = json.dumps(json_schema(), indent=1)
    if output is None:
        echo(text)
        return
    output.write_text(text + "\n", encoding="utf-8")
    echo(f"Wrote {output}. First line of a sweep file beside it: # yaml-language-server: $schema={output.name}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A .csv, .parquet, .npz or .llcray file, or a folder of a Hugging Face checkpoint; without it data are drawn.",
)
@click.option("--predict", metavar="COLUMN", help="Column of labels in the table; the likely one if left out.")
@click.option("--tokens", type=click.Path(path_type=Path), help="Token sequences for a checkpoint (.jsonl, .npy, ...).")
def new(file: Path, data: Path | None, predict: str | None, tokens: Path | None) -> None:
    """Write a commented sweep file to start from, for data of yours or for synthetic ones."""
    from llcray.templates import new_sweep
    from llcray.terminal.text import echo

    echo(new_sweep(file, data, predict, tokens))
    echo(f"Wrote {file}. Next:\n  llcray plan {file}\n  llcray sweep {file}")
