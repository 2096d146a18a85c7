"""Writes the first sweep file of a user: networks and a teacher, networks on a table, a checkpoint, a traced loss."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from llcray.components.roles import role_of
from llcray.data import File
from llcray.data.reading import TableColumn, table_columns
from llcray.spec.problems import Place, Problem, SpecError
from llcray.targets.checkpoint.architecture import TracedConfig, read_architecture
from llcray.targets.checkpoint.tensors import open_checkpoint
from llcray.targets.torch.spec import TorchTarget

LABEL_NAMES = ("target", "targets", "label", "labels", "y", "class", "classes", "price", "output")
TRACED = ".llcray"
MOST_CLASSES = 20
LONGEST_LIST = 8
SHARE_OF_SPREAD = 0.1
"""Scale of the likelihood of numbers, as a share of their standard deviation."""


class _Labels(NamedTuple):
    """The column of a table that networks are to predict.

    Attributes:
        column: The column.
        predict: `classes` or `numbers`, as `kind: file` has them.
        reason: Why this column, for a comment.
    """

    column: TableColumn
    predict: str
    reason: str


def new_sweep(file: Path, data: Path | None = None, predict: str | None = None, tokens: Path | None = None) -> str:
    """Writes a commented sweep file, and returns what was read from the data, in a line.

    Args:
        file: The file to write; it must not exist.
        data: A table (`.csv`, `.parquet`, `.npz`), the folder of a Hugging Face checkpoint, or a file that
            `llcray.torch.save` wrote (`.llcray`); None for synthetic data.
        predict: Column or array of labels in the table; by default the one that is named like labels, or the last.
        tokens: File of token sequences for a checkpoint.

    Raises:
        SpecError: The file exists already, or the data cannot be read.
    """
    if file.exists():
        raise SpecError([Problem(Place(str(file)), "exists already; give another name, or remove it first")])
    if not file.parent.is_dir():
        raise SpecError([Problem(Place(str(file)), f"there is no folder {file.parent}; make it first")])
    try:
        name, said, values = _read(data, predict, tokens)
    except ValueError as error:
        raise SpecError([Problem(Place(str(data)), str(error))]) from error
    text = files("llcray.templates").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    # Exclusive creation: a file that another process has made since is not overwritten.
    with file.open("x", encoding="utf-8") as opened:
        opened.write(Template(text).substitute(values, file=file))
    return said


def _read(data: Path | None, predict: str | None, tokens: Path | None) -> tuple[str, str, dict[str, str]]:
    """The template, what was read in words, and the values of the template."""
    if data is None:
        return "teacher", "Networks on synthetic data that a small network labels.", {}
    if data.is_dir():
        return _checkpoint(data, tokens)
    if data.suffix == TRACED:
        return _traced(data)
    if data.suffix.lower() not in File.suffixes:
        raise ValueError(f"ends in none of {', '.join((*File.suffixes, TRACED))} and is no folder of a checkpoint")
    if not data.is_file():
        raise ValueError("there is no such file: give a path from the folder you run in, or a full one")
    return _table(data, predict)


def _table(data: Path, predict: str | None) -> tuple[str, str, dict[str, str]]:
    columns = table_columns(data)
    labels = _labels(data, columns, predict)
    inputs = [column for column in columns if column.is_numeric and column.name != labels.column.name]
    if data.suffix.lower() == ".npz":
        inputs = sorted(inputs, key=lambda column: -len(column.shape))[:1]
    if not inputs:
        raise ValueError(f"has no input of numbers beside {labels.column.name}")
    num_rows = labels.column.shape[0]
    listed = ", ".join(f"{column.name} ({column.described})" for column in columns[:LONGEST_LIST])
    more = f" and {len(columns) - LONGEST_LIST} more" if len(columns) > LONGEST_LIST else ""
    values = {
        "data": str(data),
        "columns": listed + more,
        "num_rows": f"{num_rows:,}",
        "inputs": ", ".join(_quoted(column.name) for column in inputs),
        "targets": _quoted(labels.column.name),
        "reason": labels.reason,
        "predict": labels.predict,
        "likelihood": _likelihood(labels),
    }
    said = f"Read {data}: {num_rows:,} examples; {labels.predict} in {labels.column.name} ({labels.reason})."
    return "table", said, values


def _likelihood(labels: _Labels) -> str:
    if labels.predict == "classes":
        return "# likelihood: follows from the classes (categorical)"
    scale = f"{SHARE_OF_SPREAD * labels.column.spread:.2g}" if labels.column.spread else "1.0"
    return (
        f"likelihood: {{kind: gaussian, scale: {scale}}} # the error bar of a label: a tenth of their spread; set yours"
    )


def _labels(data: Path, columns: list[TableColumn], predict: str | None) -> _Labels:
    by_name = {column.name: column for column in columns}
    if predict is not None and predict not in by_name:
        raise ValueError(f"has no {predict}. It has: {', '.join(by_name)}")
    named = [column for column in columns if column.name.lower() in LABEL_NAMES]
    if predict is not None:
        chosen, reason = by_name[predict], "as you said"
    elif named:
        chosen, reason = named[0], "by its name"
    else:
        chosen, reason = columns[-1], "the last"
    is_class = not chosen.is_numeric or (chosen.is_whole and chosen.num_distinct <= MOST_CLASSES)
    return _Labels(chosen, "classes" if is_class else "numbers", reason)


def _checkpoint(folder: Path, tokens: Path | None) -> tuple[str, str, dict[str, str]]:
    config = read_architecture(folder)
    is_traced = isinstance(config, TracedConfig)
    model = config.base or folder if is_traced else folder
    structure = config.structure
    counts = [(structure.num_layers, "layers"), (structure.num_heads, "heads")]
    listed = " of ".join(f"{count} {word}" for count, word in counts if count)
    described = f"{config.family}{f', {listed}' if listed else ''}{', traced with torch' if is_traced else ''}"
    comment = "" if tokens else " # one list of tokens a line, no text; write it before you run this sweep"
    values = {
        "data": str(folder),
        "described": described,
        "components": _components(open_checkpoint(model).names),
        "tokens": f'"{tokens or "probe.jsonl"}"{comment}',
        "length": str(min(128, config.max_length or 128)),
    }
    return "checkpoint", f"Read {folder}: {described}.", values


def _traced(file: Path) -> tuple[str, str, dict[str, str]]:
    target = TorchTarget(path=file)
    size, names = target.size, target.parameters()
    more = f" and {len(names) - LONGEST_LIST} more" if len(names) > LONGEST_LIST else ""
    values = {
        "data": str(file),
        "num_params": f"{size.num_params:,}",
        "num_data": f"{size.num_data:,}",
        "parameters": ", ".join(names[:LONGEST_LIST]) + more,
        "components": _components(names),
    }
    said = f"Read {file}: {size.num_params:,} parameters in {len(names)} arrays, {size.num_data:,} examples."
    return "torch", said, values


def _components(names: Sequence[str]) -> str:
    """The whole network, and the attention and the MLP of each layer, where names of parameters tell them."""
    blocks = {role.block for name in names if (role := role_of(name)).layer is not None}
    parts = {"attn": "{attention: {layers: each}}", "mlp": "{mlp: {layers: each}}"}
    return f"[{', '.join(['all', *(part for block, part in parts.items() if block in blocks)])}]"


def _quoted(name: str) -> str:
    """A name as a text of YAML: quoted where it would be read as something else."""
    plain = name.isidentifier() and name.lower() not in ("true", "false", "null")
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
