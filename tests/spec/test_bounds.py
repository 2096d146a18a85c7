"""No file makes the loader take long or much memory: what nobody can mean is refused, with the limit named."""

import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from llcray.spec import load_sweep
from llcray.spec.axes import num_points, points
from llcray.spec.problems import Place, SpecError
from llcray.spec.yaml_tree import MOST_BYTES, parse

MOST_SECONDS = 20.0
"""A generous bound for a busy machine; each of these files took a minute and more, or all memory."""
SWEEP = """
name: big
question: how big?
targets: {targets}
samplers: {samplers}
"""
TARGET, SAMPLER = "[{kind: quadratic, num_params: 2}]", "[{kind: hmc}]"
LAUGHS = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" if n else "a0: &a0 [lol]" for n in range(11))
ZIP = ", ".join(f"{{zip: {list(range(300))}}}" for _ in range(2))


def sweep(targets: str = TARGET, samplers: str = SAMPLER, more: str = "") -> str:
    return SWEEP.format(targets=targets, samplers=samplers) + more


GRID = "{grid: [" + ", ".join(map(str, range(1, 101))) + "]}"
REFUSED = {
    "aliases of aliases": (LAUGHS + sweep(), "over 200,000 values"),
    "deep lists": (sweep("[" * 5000 + "]" * 5000), "nested more than 50 deep"),
    "deep mappings": (sweep("[" + "{a: " * 400 + "1" + "}" * 400 + "]"), "nested more than 50 deep"),
    "lists a little too deep": (sweep("[" * 60 + "]" * 60), "nested more than 50 deep"),
    "a long file": (sweep(more="# " + "x" * MOST_BYTES), "2,000,000 bytes"),
    "a thousand million replicates": (sweep(more="replicates: 1000000000"), "1,000,000,000 runs"),
    "1.2 million runs": (sweep(samplers=f"[{{kind: sgld, step_size: {{grid: {[1e-3 / n for n in range(1, 13)]}}}}}]",
                               more="replicates: 100000"), "1,200,000 runs, and a sweep has at most 100,000"),
    "replicates without end": (sweep(more=f"replicates: {10**100}"), "more than 10^15 runs"),
    "a thousand million draws of an axis": (
        sweep(samplers="[{kind: sgld, step_size: {uniform: [0.1, 0.2], num: 1000000000}}]"),
        "1,000,000,000 runs",
    ),
    "targets by samplers": (
        sweep(f"[{{kind: quadratic, num_params: {GRID}, num_data: {GRID}}}]",
              f"[{{kind: sgld, step_size: 0.001, batch_size: {GRID}}}]"),
        "1,000,000 runs",
    ),
    "targets by samplers, one at a time": (
        sweep(f"[{{kind: quadratic, num_params: {GRID}}}]", f"[{{kind: sgld, step_size: 0.001, batch_size: {GRID}}}]",
              "design: one_at_a_time\nreplicates: 1000"),
        "199,000 runs",
    ),
    "a long name": (sweep().replace("name: big", f"name: {'b' * 129}"), "at most 128 characters"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "part"), REFUSED.values(), ids=REFUSED)
def test_what_nobody_can_mean_is_refused_at_once(tmp_path, text, part):
    path = tmp_path / "big.yaml"
    path.write_text(text)
    started = time.monotonic()
    with pytest.raises(SpecError) as caught:
        load_sweep(path)
    assert part in str(caught.value)
    assert len(str(caught.value)) < 2000
    assert time.monotonic() - started < MOST_SECONDS


def test_a_name_of_128_characters_is_one_that_the_dataset_takes(tmp_path):
    name = "b" * 128
    path = tmp_path / f"{name}.yaml"
    path.write_text(sweep().replace("name: big", f"name: {name}"))
    assert load_sweep(path).name == name


def test_a_device_without_end_is_no_sweep_file():
    with pytest.raises(SpecError, match=r"2,000,000 bytes"):
        load_sweep(Path("/dev/zero"))


class Room(BaseModel):
    a: int = 0
    b: list[int] = []
    c: float = 0.0


ROOMS = [
    "{a: 1}",
    "{a: {grid: [1, 2, 3]}}",
    "{a: {grid: [1, 2, 3]}, c: {uniform: [0.0, 1.0], num: 7}}",
    "{a: {zip: [1, 2]}, c: {zip: [0.5, 0.6]}, b: [{grid: [1, 2]}, 5]}",
    "{a: {uniform: [0, 3], num: 500}, c: {log_uniform: [0.1, 1.0], num: 3}}",
    "{b: {grid: [[1], [{grid: [2, 3]}], [4]]}}",
    "{b: [{grid: [1, 2]}, {grid: [3, 4, 5]}]}",
]


@pytest.mark.parametrize("design", ["product", "one_at_a_time"])
@pytest.mark.parametrize("text", ROOMS)
def test_the_number_of_points_is_counted_as_they_are_made(text, design):
    node, _ = parse(text, Place("here", 1, 1))
    assert node is not None
    assert num_points(node, Room, design) == len(points(node, Room, design))


@pytest.mark.parametrize("path", sorted(Path("experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_no_experiment_comes_near_the_bounds(path):
    assert len(load_sweep(path).runs) < 20_000
