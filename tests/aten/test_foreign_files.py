"""Files that somebody else made: each is refused in one line, or is a loss."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import llcray
from llcray.aten import json_form
from llcray.aten.errors import TorchLossError
from llcray.aten.graph import Call, Graph, Ref
from llcray.aten.loss import GraphLoss

PROBE = Path(__file__).parent / "fixtures" / "probe.llcray"


def parts() -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Description and arrays of the probe."""
    with safe_open(PROBE, framework="numpy") as file:
        return json.loads(file.metadata()["llcray"]), load_file(PROBE)


def written(folder: Path, description: Any, arrays: dict[str, np.ndarray]) -> Path:
    path = folder / "changed.llcray"
    text = description if isinstance(description, str) else json.dumps(description)
    save_file(arrays, path, metadata={"llcray": text})
    return path


def graph_with(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda description: description | {"graph": description["graph"] | changed}


def call_with(call: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda description: (
        description | {"graph": description["graph"] | {"calls": [call, *description["graph"]["calls"][1:]]}}
    )


def deep(levels: int) -> Any:
    return [deep(levels - 1)] if levels else []


DESCRIPTIONS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no JSON": (lambda _: "{", "no JSON"),
    "too deep for a parser": (lambda _: "[" * 100_000, "no JSON|version"),
    "a list": (lambda _: [], "version None"),
    "another version": (lambda form: form | {"version": 2}, "version 2.*Install a newer"),
    "a version of another type": (lambda form: form | {"version": True}, "version True"),
    "a field too many": (lambda form: form | {"code": "import os"}, "has not the fields"),
    "a structure of another form": (lambda form: form | {"structure": {"num_layers": 2}}, "structure has not"),
    "a structure without end": (
        lambda form: form | {"structure": {"num_layers": 10**9, "num_heads": 1, "num_kv_heads": 1}}, "num_layers is"
    ),
    "a graph that is none": (lambda form: form | {"graph": 3}, "the graph has not the fields"),
    "no calls": (graph_with(calls=[]), "no list of 1 to"),
    "calls without end": (graph_with(calls=[["aten.neg.default", None, []]] * 200_001), "no list of 1 to"),
    "a result that is none": (graph_with(result=10**6), "result is 1000000"),
    "a Boolean as result": (graph_with(result=True), "result is True"),
    "a type that is none": (graph_with(dtype="object"), "type 'object'"),
    "names that are none": (graph_with(parameters=[1]), "no list of names"),
    "a name without end": (graph_with(parameters=["a" * 501]), "names have 1 to 500"),
    "a name twice": (graph_with(inputs=["label", "label"]), "one name twice"),
    "a name that has no array": (graph_with(inputs=["label", "other"]), "differ in 'data/other'"),
    "a call that is none": (call_with({"op": "x"}), "no list of operator"),
    "an operator that is no text": (call_with([1, None, []]), "no list of operator"),
    "an operator without a rule": (call_with(["os.system", None, ["true"]]), "no JAX rule for os.system"),
    "a type of a call that is none": (call_with(["aten.neg.default", "object", []]), "has the type 'object'"),
    "a value after the call": (call_with(["aten.neg.default", None, [{"value": 10**6}]]), "which is none"),
    "a negative value": (call_with(["aten.neg.default", None, [{"value": -1}]]), "which is none"),
    "a number without end": (call_with(["aten.neg.default", None, [10**30]]), "which is none"),
    "an object": (call_with(["aten.neg.default", None, [{"__reduce__": "os.system"}]]), "which is none"),
    "lists in lists": (call_with(["aten.neg.default", None, [deep(50)]]), "which is none"),
}  # fmt: skip


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_description_that_is_wrong_is_refused_in_one_line(case: str, tmp_path: Path):
    change, message = DESCRIPTIONS[case]
    description, arrays = parts()
    path = written(tmp_path, change(description), arrays)
    with pytest.raises(TorchLossError, match=message) as refused:
        llcray.torch.load(path)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400


ARRAYS: dict[str, tuple[Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]], str]] = {
    "an array too many": (lambda a: a | {"data/more": np.zeros(24)}, "differ in 'data/more'"),
    "an array outside of the kinds": (lambda a: a | {"../x": np.zeros(24)}, "differ in '../x'"),
    "whole numbers as parameters": (
        lambda a: a | {"params/head.bias": np.zeros(3, np.int64)}, "type int64; it may be float32"
    ),
    "unlike numbers of examples": (lambda a: a | {"data/label": np.zeros(23, np.int64)}, "as many examples"),
    "no examples": (
        lambda a: a | {"data/label": np.zeros(0, int), "data/tokens": np.zeros((0, 6), int)}, "as many examples"
    ),
    "data without an axis": (lambda a: a | {"data/label": np.array(3)}, "as many examples"),
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_are_not_those_of_the_graph_are_refused(case: str, tmp_path: Path):
    change, message = ARRAYS[case]
    description, arrays = parts()
    path = written(tmp_path, description, change(arrays))
    with pytest.raises(TorchLossError, match=message):
        llcray.torch.load(path)


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", PROBE.read_bytes()[:-9], b"\xff" * 64])
def test_a_file_that_is_cut_or_of_another_kind_is_refused(content: bytes, tmp_path: Path):
    path = tmp_path / "other.llcray"
    path.write_bytes(content)
    with pytest.raises(TorchLossError, match="no whole file"):
        llcray.torch.load(path)


def test_a_file_of_other_tensors_is_refused(tmp_path: Path):
    save_file({"w": np.zeros(3)}, tmp_path / "other.llcray")
    with pytest.raises(TorchLossError, match="holds no traced loss"):
        llcray.torch.load(tmp_path / "other.llcray")
    with pytest.raises(TorchLossError, match="there is no file"):
        llcray.torch.load(tmp_path / "none.llcray")


def test_a_call_that_cannot_be_computed_is_named(tmp_path: Path):
    description, arrays = parts()
    calls = [["aten.view.default", "float32", [{"value": 0}, [7, 7]]], *description["graph"]["calls"][1:]]
    path = written(tmp_path, description | {"graph": description["graph"] | {"calls": calls}}, arrays)
    target = llcray.torch.load(path)
    with pytest.raises(TorchLossError, match=r"call 0 of the graph cannot be computed \(aten.view.default: "):
        llcray.estimate_llc(target)


@pytest.mark.parametrize("numbers", [(1, 1.0, True), (0.0, -0.0, False), (float("inf"), float("-inf"), float("nan"))])
def test_numbers_that_are_equal_in_python_are_different_losses(numbers: tuple[Any, ...]):
    """Losses share a compiled program where they are equal: x + 1 and x + 1.0 are not, of whole numbers x."""
    graphs = [Graph(("w",), (), ("x",), (Call("aten.mul.Tensor", (Ref(0), number)),), 2) for number in numbers]
    losses = [GraphLoss(graph) for graph in graphs]
    assert len(set(losses)) == len(numbers)
    for graph, loss in zip(graphs, losses, strict=True):
        assert GraphLoss(json_form.graph_of(json.loads(json_form.dumps(graph)))) == loss
