"""The description of a traced loss as JSON, beside its arrays, and the check that both belong together.

Arrays are named `params/...`, `buffers/...` and `data/...`. A description of somebody else's is read within bounds.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from llcray.array_types import Arrays
from llcray.aten.errors import TorchLossError
from llcray.aten.graph import TYPES, Graph
from llcray.aten.json_form import MOST_CHARACTERS, form_of, graph_of
from llcray.aten.traced import Traced
from llcray.components.structure import Structure

VERSION = 1
FIELDS = {"version", "torch", "graph", "is_likelihood", "structure"}
COUNTS = ("num_layers", "num_heads", "num_kv_heads")
MOST_COUNTED = 100_000
MOST_ARRAYS = 100_000
MOVING = ("float32", "float64")
"""Types of parameters."""


@dataclass(frozen=True)
class Description:
    """A traced loss without its arrays; the fields are those of `Traced`.

    Attributes:
        graph: The loss.
        is_likelihood: Whether the loss is a negative log-likelihood.
        structure: Numbers of layers and heads, where given.
        made_by: The version of torch that traced the loss.
    """

    graph: Graph
    is_likelihood: bool
    structure: Structure | None
    made_by: str

    def names(self) -> dict[str, tuple[str, ...]]:
        """Names of the arrays of each kind."""
        return {"params": self.graph.parameters, "buffers": self.graph.buffers, "data": self.graph.inputs}

    def check_arrays(self, arrays: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
        """Checks that arrays are those of the graph, and that data are examples, as many of each.

        Args:
            arrays: Type and shape of each array.

        Raises:
            TorchLossError: An array is missing, is too many, or has a type or a shape that it cannot have.
        """
        if len(arrays) > MOST_ARRAYS:
            raise TorchLossError(f"it holds {len(arrays)} arrays; at most {MOST_ARRAYS} are read")
        wanted = {f"{kind}/{name}" for kind, names in self.names().items() for name in names}
        if wrong := sorted(wanted ^ set(arrays)):
            raise TorchLossError(f"its graph and its arrays differ in {wrong[0]!r:.80}")
        for name, (dtype, _) in arrays.items():
            allowed = MOVING if name.startswith("params/") else TYPES
            if dtype not in allowed:
                raise TorchLossError(f"array {name!r:.80} has type {dtype}; it may be {', '.join(allowed)}")
        lengths = {arrays[f"data/{name}"][1][:1] for name in self.graph.inputs}
        if not self.graph.parameters or len(lengths) != 1 or lengths & {(), (0,)}:
            raise TorchLossError("its loss has no parameters, or no data with as many examples in each array")

    def with_arrays(self, arrays: Arrays) -> Traced:
        """The traced loss of which these are the arrays.

        Raises:
            TorchLossError: The arrays are others.
        """
        self.check_arrays({name: (str(array.dtype), array.shape) for name, array in arrays.items()})
        kinds = {kind: {name: arrays[f"{kind}/{name}"] for name in names} for kind, names in self.names().items()}
        return Traced(
            self.graph, **kinds, **{name: getattr(self, name) for name in ("is_likelihood", "structure", "made_by")}
        )


def text_and_arrays(traced: Traced) -> tuple[str, Arrays]:
    """The description of a traced loss, and its arrays by the names that they have beside it."""
    form = {
        "version": VERSION,
        "torch": traced.made_by,
        "graph": form_of(traced.graph),
        "is_likelihood": traced.is_likelihood,
        "structure": None if traced.structure is None else asdict(traced.structure),
    }
    kinds = {"params": traced.params, "buffers": traced.buffers, "data": traced.data}
    arrays = {
        f"{kind}/{name}": np.array(array, order="C") for kind, named in kinds.items() for name, array in named.items()
    }
    return json.dumps(form, sort_keys=True, separators=(",", ":"), allow_nan=False), arrays


def description_of(text: str) -> Description:
    """The description that a text is.

    Raises:
        TorchLossError: The text is none, is longer than any, or has a version that this llcray does not know.
    """
    if len(text) > MOST_CHARACTERS:
        raise TorchLossError(f"its description has {len(text)} characters; at most {MOST_CHARACTERS} are read")
    try:
        form = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TorchLossError(f"its description is no JSON ({str(error)[:80]})") from error
    version = form.get("version") if isinstance(form, dict) else None
    if type(version) is not int or version != VERSION:
        raise TorchLossError(
            f"its description has version {version!r:.20}, and this llcray reads {VERSION}. Install a newer one"
        )
    if set(form) != FIELDS or not isinstance(form["is_likelihood"], bool) or not isinstance(form["torch"], str):
        raise TorchLossError(f"its description has not the fields {', '.join(sorted(FIELDS))}")
    return Description(
        graph_of(form["graph"]), form["is_likelihood"], _structure(form["structure"]), form["torch"][:40]
    )


def _structure(form: Any) -> Structure | None:
    if form is None:
        return None
    if not isinstance(form, dict) or set(form) != set(COUNTS):
        raise TorchLossError(f"its structure has not the fields {', '.join(COUNTS)}")
    for name, value in form.items():
        if value is not None and (type(value) is not int or not 0 < value <= MOST_COUNTED):
            raise TorchLossError(f"its {name} is {value!r:.20}; it may be a whole number from 1 to {MOST_COUNTED}")
    return Structure(**form)
