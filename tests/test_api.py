"""`estimate_llc` as a user calls it: any pytree, any per-example loss, clear errors."""

import re
from dataclasses import asdict, fields
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from llcray_storage.estimate_words import estimate_text
from llcray_storage.schema.tables import RUNS

from llcray.api import LLCEstimate, estimate_llc
from llcray.llc.estimate import Estimate
from llcray.report.errors import ReportError
from llcray.sampling.spec import Budget, SamplingSpec
from llcray.targets.target import Target
from llcray.tracking.tracker import LLCTracker

QUICK = SamplingSpec(budget=Budget(num_gradients=3000, num_draws=512))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = X @ np.array([1.0, -1.0, 0.5, 2.0], np.float32)


def squared_error(params: dict[str, jnp.ndarray], batch: tuple[jnp.ndarray, jnp.ndarray]) -> jnp.ndarray:
    x, y = batch
    return 0.5 * (x @ params["slope"] + params["offset"] - y) ** 2


def regression(**changes: object) -> Target:
    params = {"slope": np.array([1.0, -1.0, 0.5, 2.0], np.float32), "offset": np.zeros((), np.float32)}
    fields = {"params": params, "loss_fn": squared_error, "data": (X, Y)} | changes
    return Target(**fields)  # pyright: ignore[reportArgumentType]


def test_llc_of_a_linear_regression_is_half_its_parameters() -> None:
    """Regular, d = 5; float32 parameters are fine."""
    e = estimate_llc(regression(), sampling=QUICK)
    assert e.verdict == "ok"
    assert abs(e.llc - 2.5) < 3 * e.llc_mcse + 0.02


def test_a_component_has_the_llc_of_the_restricted_model() -> None:
    """Only the offset and two slopes move: d = 3; the mask cuts through a leaf."""
    mask = {"slope": np.array([True, False, True, False]), "offset": True}
    e = estimate_llc(regression(), sampling=QUICK, component=mask)
    assert e.num_failed_chains == 0
    assert abs(e.llc - 1.5) < 3 * e.llc_mcse + 0.02


def test_the_result_opens_in_arviz() -> None:
    tree = estimate_llc(regression(), "sgld", sampling=QUICK, num_chains=2).to_inference_data()
    assert tree["posterior"]["llc"].dims == ("chain", "draw")
    assert tree["posterior"].sizes["chain"] == 2
    assert "squared_distance" in tree["sample_stats"]


def test_the_draws_for_arviz_have_the_estimate_as_their_mean_and_as_attributes() -> None:
    e = estimate_llc(regression(), "sgld", sampling=QUICK, num_chains=2)
    tree = e.to_inference_data()
    assert float(tree["posterior"]["llc"].mean()) == pytest.approx(e.llc, rel=1e-6)
    assert tree.attrs["verdict"] == e.verdict and tree.attrs["llc"] == e.llc
    assert {"num_gradients", "heat"} <= set(tree["sample_stats"]) and "energy" not in tree["sample_stats"]


def test_the_draws_of_a_run_that_diverged_open_in_arviz() -> None:
    """The group was empty: burn-in took all draws of chains that went non-finite."""
    e = estimate_llc(regression(), {"kind": "sgld", "step_size": 1e3}, sampling=QUICK, num_chains=2)
    assert e.verdict == "diverged"
    tree = e.to_inference_data()
    assert tree["posterior"].sizes["draw"] == e.draws.num_draws


def test_the_record_is_a_row_of_the_dataset() -> None:
    e = estimate_llc(regression(), "sgld", sampling=QUICK, num_chains=2)
    assert set(e.record) <= set(RUNS.by_name)
    assert (e.record["llc"], e.record["verdict"], e.record["num_data"]) == (e.llc, e.verdict, 300)


def test_every_number_of_an_estimate_is_a_typed_field_of_the_result() -> None:
    """An editor completes `e.llc`, and a misspelt name is an error, not a look into another object."""
    numbers = {field.name for field in fields(Estimate)}
    assert numbers < {field.name for field in fields(LLCEstimate)}
    assert not hasattr(LLCEstimate, "__getattr__")


def test_the_numbers_can_be_had_alone_and_the_result_is_printed_in_a_line() -> None:
    e = estimate_llc(regression(), "sgld", sampling=QUICK, num_chains=2)
    assert asdict(e.estimate) == {field.name: getattr(e, field.name) for field in fields(Estimate)}
    words = estimate_text(e.llc, e.llc_sampling_se, e.localization_se).replace("±", "+-")
    assert repr(e).startswith(f"LLC {words} at gamma {e.localization:.4g}, n beta {e.n_beta:.4g}: {e.verdict} (R-hat ")
    assert repr(e).isascii() and "\n" not in repr(e)


def test_progress_is_reported() -> None:
    seen: list[int] = []
    estimate_llc(regression(), sampling=QUICK, on_progress=lambda draws: seen.append(draws.num_draws))
    assert len(seen) > 2


@pytest.mark.parametrize(
    ("target", "word"),
    [
        (regression(loss_fn=lambda p, b: jnp.mean(squared_error(p, b))), "one loss per example"),
        (regression(data=(np.full_like(X, np.nan), Y)), "finite loss"),
        (regression(params={"slope": np.ones(4, int), "offset": np.zeros(())}), "int"),
        (regression(params={}), "no parameters"),
    ],
)
def test_targets_that_cannot_be_sampled_are_refused(target: Target, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        estimate_llc(target, sampling=QUICK)


def test_an_empty_component_is_refused() -> None:
    with pytest.raises(ValueError, match="selects 0 parameters"):
        estimate_llc(regression(), component={"slope": np.zeros(4, bool), "offset": False})


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than the 300 examples"):
        estimate_llc(regression(), {"kind": "sgld", "batch_size": 400})


def test_an_unknown_sampler_is_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="hmc"):
        estimate_llc(regression(), "hcm")


def test_a_saddle_is_seen_for_what_it_is() -> None:
    """w* is a maximum in one direction: the chain finds lower loss there."""

    def saddle(params: jnp.ndarray, batch: jnp.ndarray) -> jnp.ndarray:
        value = 0.5 * params[0] ** 2 - 0.5 * params[1] ** 2 + 0.02 * params[1] ** 4
        return jnp.broadcast_to(value, batch.shape)

    e = estimate_llc(Target(params=np.zeros(2), loss_fn=saddle, data=np.zeros(1000)), sampling=QUICK)
    assert e.verdict in ("escaped", "diverged")


WRONG_DATA = {
    "a scalar leaf": ((X, Y, 0.5), r"Data \[2\] is a single number.*Keep constants inside loss_fn"),
    "unequal lengths": ((X, Y[:-1]), r"Data \[1\] holds 299 examples and Data \[0\] holds 300"),
    "unequal lengths in a dict": ({"x": X, "y": Y[:5]}, r"Data \['y'\] holds 5 examples"),
    "a list of examples": ([(x, y) for x, y in zip(X, Y, strict=True)], r"single number.*np\.stack\(leaves\)"),
    "a PRNG key": ((X, jax.random.key(0)), r"Data \[1\] is a PRNG key"),
    "text": ((X, np.array(["u"] * 300)), r"Data \[1\] has type <U1; JAX computes with numbers"),
    "objects": ((X, np.array([None] * 300)), r"Data \[1\] has type object"),
    "nothing": ((), "has no data"),
    "no examples": ((X[:0], Y[:0]), "holds no examples"),
}
WRONG_SETTINGS = {
    "no such sampler": ({"sampler": "sgld2"}, "sampler.kind: unknown kind 'sgld2'; did you mean 'sgld'"),
    "no such setting of a sampler": (
        {"sampler": {"kind": "sgld", "lr": 1e-3}},
        "sampler: unknown key 'lr'; here it is 'step_size'",
    ),
    "a negative step": ({"sampler": {"kind": "sgld", "step_size": -1}}, "sampler.step_size: must be above 0; got -1"),
    "no such setting of sampling": ({"sampling": {"chains": 2}}, "sampling: unknown key 'chains'; here it is 'num_cha"),
    "no such setting of the posterior": ({"posterior": {"gamma": 1}}, "posterior: unknown key 'gamma'; here it is 'lo"),
    "no chains": ({"num_chains": 0}, "num_chains"),
    "half a chain": ({"num_chains": 2.5}, "num_chains is 2.5; give a whole number"),
    "a seed that is a text": ({"seed": "1"}, "seed is '1'; give a whole number"),
}

UNKNOWN_KEYWORDS = {
    "gamma": "write posterior={'localization': 100.0}",
    "n_beta": "write posterior={'inverse_temperature': {'kind': 'n_beta', 'value': 30.0}}",
    "num_draws": "write sampling={'budget': {'num_draws': 2000}}",
    "chains": "here it is 'num_chains'",
    "lr": "it is a setting of samplers, as in sampler={'kind': 'sgld', 'step_size': 1e-05}",
    "batch_size": "it is a setting of samplers, as in sampler={'kind': 'sgld', 'batch_size': ",
    "componet": "did you mean 'component'?",
    "xyz": "its arguments are target, sampler, num_chains, ",
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_data_that_are_no_arrays_of_examples_are_named(name: str) -> None:
    data, message = WRONG_DATA[name]
    with pytest.raises(ValueError, match=message) as error:
        estimate_llc(regression(data=data))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_a_wrong_setting_is_named_in_a_line(name: str) -> None:
    settings, message = WRONG_SETTINGS[name]
    with pytest.raises(ValueError, match=message) as error:
        estimate_llc(regression(), **settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", UNKNOWN_KEYWORDS)
def test_a_keyword_of_another_place_is_explained(name: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"takes no argument '{name}'; {UNKNOWN_KEYWORDS[name]}")):
        estimate_llc(regression(), **cast("dict[str, Any]", {name: 1}))


def test_a_keyword_that_the_tracker_does_not_take_is_explained() -> None:
    with pytest.raises(TypeError, match=r"LLCTracker takes no argument 'chains'; write sampling={'num_chains': 4}"):
        LLCTracker(squared_error, chains=4)  # pyright: ignore[reportCallIssue]


def test_a_prng_key_among_the_parameters_is_named() -> None:
    with pytest.raises(ValueError, match=r"Parameter \['dropout'\] is a PRNG key"):
        estimate_llc(regression(params={"slope": np.ones(4), "dropout": jax.random.key(0)}))


@pytest.mark.parametrize("whole", [np.int64, np.uint8, jnp.int32, np.array, jnp.asarray, float])
def test_integers_of_numpy_and_jax_are_numbers(whole: Any) -> None:
    """Settings may be mappings, too; draws are those of Python's integers and of specs."""
    settings = {"budget": {"num_gradients": 60, "num_draws": 16}}
    sampler = {"kind": "sgld", "step_size": 1e-5}
    e = estimate_llc(regression(), sampler, num_chains=whole(2), seed=whole(3), sampling=settings)
    expected = estimate_llc(regression(), sampler, num_chains=2, seed=3, sampling=SamplingSpec.model_validate(settings))
    np.testing.assert_array_equal(e.draws.centered_loss, expected.draws.centered_loss)


@pytest.mark.parametrize("sampler", ["auto", "sgld", "hmc"])
def test_a_loss_that_does_not_depend_on_the_parameters_says_so(sampler: str) -> None:
    """One class, or a loss that forgot its parameters; a smaller step would change nothing."""
    one_class = Target(np.zeros(3), lambda w, b: -jax.nn.log_softmax((b @ w)[:, None])[:, 0], X[:, :3])
    e = estimate_llc(one_class, sampler, num_chains=2, sampling=QUICK)
    assert e.verdict == "not_converged" and "its LLC is 0" in e.verdict_reason
    assert abs(e.llc) < 1e-2


def test_an_estimate_shows_itself_in_a_notebook_and_draws_its_chains() -> None:
    """Catches a repr that fails on a record, and plots that need a dataset."""
    e = estimate_llc(regression(), "sgld", sampling=QUICK, num_chains=2)
    shown = e._repr_html_()
    assert e.verdict in shown and "gamma" in shown and "300" in shown
    assert len(e.plot().axes[0].lines) >= 2
    assert e.plot("trace").axes
    with pytest.raises(ReportError, match="did you mean 'trace'"):
        e.plot("trase")
    with pytest.raises(ReportError, match="nothing to draw as 'energy'"):
        e.plot("energy")
