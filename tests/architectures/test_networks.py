import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from pydantic import ValidationError

from llcray.architectures import MLP, ConvNet, DeepLinear
from llcray.architectures.network import Network
from llcray.targets.model_loss import ModelLoss, initial_params


def outputs(network: Network, params, x, num_outputs: int):
    shape = x.shape[1:]
    return ModelLoss(network.forward(shape, num_outputs), "gaussian", shape, num_outputs).outputs(params, x)


def test_an_mlp_is_the_textbook_formula():
    network = MLP(widths=(5, 4), activation="tanh", bias_scale=0.3)
    params = initial_params(network, (3,), 2, seed=0)
    x = np.random.default_rng(0).standard_normal((7, 3)).astype(np.float32)
    h = x
    for layer in ("hidden_0", "hidden_1"):
        h = np.tanh(h @ params[layer]["kernel"] + params[layer]["bias"])
    by_hand = h @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(outputs(network, params, x, 2), by_hand, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("num_params", [500, 1000, 2000, 5000, 10_000])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_width_that_follows_from_num_params_comes_nearest(depth: int, num_params: int, layer_norm: bool):
    network = MLP(depth=depth, num_params=num_params, layer_norm=layer_norm)
    widths = network.hidden_widths(32, 1)
    assert len(widths) == depth and len(set(widths)) == 1
    miss = abs(network.count(32, widths, 1) - num_params)
    for other in (widths[0] - 1, widths[0] + 1):
        assert miss <= abs(network.count(32, (other,) * depth, 1) - num_params)


@pytest.mark.parametrize("network", [MLP(widths=(7, 5), layer_norm=True), MLP(depth=3, num_params=400, bias=False)])
def test_the_count_of_parameters_is_that_of_the_built_network(network: MLP):
    params = initial_params(network, (6,), 2, seed=0)
    built = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert built == network.count(6, network.hidden_widths(6, 2), 2)


def test_a_deep_linear_network_is_the_product_of_its_matrices():
    network = DeepLinear(widths=(4, 6))
    params = initial_params(network, (3,), 2, seed=1)
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    product = params["hidden_0"]["kernel"] @ params["hidden_1"]["kernel"] @ params["output"]["kernel"]
    np.testing.assert_allclose(outputs(network, params, x, 2), x @ product, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kernel_size", [2, 3, 5])
def test_a_convolution_by_patches_is_that_of_flax(kernel_size: int):
    network = ConvNet(channels=(4,), kernel_size=kernel_size, pooling="none", activation="identity", bias=False)
    params = initial_params(network, (6, 5, 2), 30 * 4, seed=0)
    params["output"]["kernel"] = jnp.eye(30 * 4)
    x = np.random.default_rng(0).standard_normal((3, 6, 5, 2)).astype(np.float32)
    flax = nnx.Conv(2, 4, (kernel_size, kernel_size), use_bias=False, rngs=nnx.Rngs(0))
    flax.kernel = nnx.Param(params["conv_0"]["kernel"])
    np.testing.assert_allclose(
        outputs(network, params, x, 30 * 4).reshape(3, 6, 5, 4), flax(jnp.asarray(x)), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_pooling_halves_the_image(pooling):
    network = ConvNet(channels=(2, 3), pooling=pooling, widths=(5,))
    params = initial_params(network, (9, 8, 1), 10, seed=0)
    assert params["hidden_0"]["kernel"].shape == (2 * 2 * 3, 5)
    assert outputs(network, params, np.ones((4, 9, 8, 1), np.float32), 10).shape == (4, 10)


def test_gain_and_bias_scale_set_the_initial_weights():
    params = initial_params(MLP(widths=(1000,), gain=2.0, bias_scale=0.5), (400,), 1, seed=0)
    # Standard deviation of 400,000 (1,000) weights: 4 standard errors are 0.5% (9%).
    assert float(jnp.std(params["hidden_0"]["kernel"])) == pytest.approx(2 / np.sqrt(400), rel=0.005)
    assert float(jnp.std(params["hidden_0"]["bias"])) == pytest.approx(0.5, rel=0.09)


def test_networks_that_differ_in_initial_weights_compute_the_same_function():
    one, other = MLP(widths=(8,), gain=2.0), MLP(depth=1, num_params=8 * 6 + 9, initialization="orthogonal")
    assert one.forward((5,), 1) == other.forward((5,), 1)
    assert hash(one.forward((5,), 1)) == hash(other.forward((5,), 1))


def test_gelu_is_exact_unless_said():
    network = MLP(widths=(1,), activation="gelu", bias=False)
    params = {"hidden_0": {"kernel": jnp.ones((1, 1))}, "output": {"kernel": jnp.ones((1, 1))}}
    # 1 * Phi(1), Phi the normal distribution function.
    assert float(outputs(network, params, jnp.ones((1, 1)), 1)[0, 0]) == pytest.approx(0.8413447, abs=1e-6)


@pytest.mark.parametrize("fields", [{}, {"depth": 2}, {"num_params": 100}, {"widths": [3], "depth": 1}])
def test_an_mlp_says_its_widths_in_exactly_one_way(fields):
    with pytest.raises(ValidationError, match="widths"):
        MLP(**fields)
