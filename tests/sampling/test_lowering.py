"""Every program of sampling and training is lowered for a GPU, on the CPU, so that what only a CPU can do is found."""

from typing import Any

import jax
import numpy as np
import pytest
from pydantic import TypeAdapter

from llcray.api import parse_sampler
from llcray.estimation.pack import raise_failure
from llcray.estimation.prepare import prepare_all
from llcray.estimation.request import EstimateRequest
from llcray.jax_settings import own_settings
from llcray.posterior.spec import PosteriorSpec
from llcray.sampling import block, curvature, quadrature
from llcray.sampling.program import Program
from llcray.sampling.schedules.requests import Start
from llcray.sampling.spec import SamplingSpec
from llcray.targets import TargetSpec
from llcray.targets.build import build_target
from llcray.targets.target import Target
from llcray.training import minimize

GPU = "cuda"
NUM_CHAINS, BATCH_SIZE = 2, 8
SAMPLERS = [
    {"kind": "auto"},
    {"kind": "baoab", "step_size": 0.03, "gradient": "control_variate"},
    {"kind": "sgld", "step_size": 1e-3, "preconditioner": "rmsprop", "preconditioning": "frozen"},
    {"kind": "sghmc", "step_size": 1e-3, "damping": 0.02},
    {"kind": "sgnht", "step_size": 1e-2},
    {"kind": "hmc"},
    {"kind": "nuts"},
    {"kind": "mala"},
    {"kind": "mclmc"},
    {"kind": "adjusted_mclmc"},
    {"kind": "tempered_smc"},
]


def shapes_of(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)


def lowered(program: Program, static: tuple[Any, ...], *args: Any) -> Any:
    """Lowers a program for a GPU; returns the shapes of its results."""
    return shapes_of(program.lower(static, *args, platform=GPU).out_info)


@pytest.fixture(scope="module")
def target() -> Target:
    spec = {"kind": "quadratic", "num_params": 30, "num_data": 64}
    return build_target(TypeAdapter(TargetSpec).validate_python(spec))


@pytest.mark.parametrize("settings", SAMPLERS, ids=lambda settings: settings["kind"])
def test_the_programs_of_a_sampler(settings: dict[str, Any], target: Target):
    request = EstimateRequest(
        parse_sampler(settings), PosteriorSpec(localization=10.0), SamplingSpec(num_chains=NUM_CHAINS), seed=0
    )
    with own_settings(float64=True):
        job = prepare_all([(target, request)], raise_failure)[0].job
        first = job.begin()
        assert isinstance(first, Start)
        dtype, kernel = job.posterior.center.dtype, job.kernel
        posterior = shapes_of(jax.tree.map(lambda leaf: np.asarray(leaf)[None], job.posterior))
        hyper = {name: np.asarray(value, dtype)[None] for name, value in first.hyper.items()}
        zero = np.zeros(1, np.int32)
        keys = lowered(block.chain_keys, (NUM_CHAINS,), np.zeros((1, 2), np.uint32))
        state = lowered(block.start, (kernel,), keys, posterior, hyper)
        if kernel.adapt is not None:
            state, hyper, _ = lowered(block.adapt, (kernel, 10), keys, state, posterior, hyper, zero)
        lowered(block.advance, (kernel, 2, 0), keys, state, posterior, hyper, zero, np.int32(2))
        positions = np.zeros((1, NUM_CHAINS, 30), dtype)
        for program, static in (
            (block.displacement, ()),
            (block.measure, ()),
            (block.measure_noise, (BATCH_SIZE,)),
            (block.measure_seen_noise, (BATCH_SIZE, True)),
        ):
            lowered(program, static, keys, positions, posterior)
        if settings["kind"] == "auto":
            lowered(block.start_displaced, (kernel,), keys, posterior, hyper, positions)
            lowered(curvature.curvature_over_runs, (), posterior)
            for num_products in (4, 100):  # by Lanczos steps, and by the whole Hessian
                lowered(quadrature.nodes_over_runs, (num_products,), posterior)


def test_an_operation_that_only_a_cpu_can_do_is_found():
    """Guards the guard: a Schur decomposition has no program on a GPU."""
    program = Program(lambda matrix: jax.scipy.linalg.schur(matrix)[0])
    with pytest.raises(NotImplementedError):
        lowered(program, (), np.eye(2))


TRAINED = {
    "perceptron": {
        "architecture": {"kind": "mlp", "widths": [3], "activation": "gelu"},
        "data": {"kind": "gaussian", "input_dimension": 2, "num_data": 40},
        "teacher": {"kind": "mlp", "widths": [2]},
    },
    "transformer": {
        "architecture": {"kind": "transformer", "readout": "all", "num_layers": 1, "num_heads": 2, "width": 4},
        "data": {"kind": "repeated_bigrams", "num_data": 40, "vocabulary": 4, "length": 8}
        | {"shortest_period": 2, "longest_period": 3},
    },
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "transformer")) for name in TRAINED]
)
def test_the_programs_of_training(name: str, monkeypatch: pytest.MonkeyPatch):
    """The programs run here, too: a parameter named `value`, as of attention, once stopped L-BFGS."""
    done = []
    for program in ("_descend", "_polish"):
        jitted = getattr(minimize, program)

        def lower_and_run(*args: Any, jitted: Any = jitted, program: str = program) -> Any:
            jitted.trace(*args).lower(lowering_platforms=(GPU,))
            done.append(program)
            return jitted(*args)

        monkeypatch.setattr(minimize, program, lower_and_run)
    training = {"kind": "adam", "num_steps": 2, "polish_steps": 2, "batch_size": 8}
    build_target(TypeAdapter(TargetSpec).validate_python({"kind": "trained", "training": training} | TRAINED[name]))
    assert done == ["_descend", "_polish"]
