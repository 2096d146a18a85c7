import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from pydantic import ValidationError

from llcray.architectures import MLP, ConvNet, DeepLinear, EmbeddingMLP, TiedAutoencoder, Transformer
from llcray.architectures.network import Network
from llcray.targets.model_loss import ModelLoss, initial_params


def outputs(network: Network, params, x, num_outputs: int):
    shape = x.shape[1:]
    loss = ModelLoss(network.forward(shape, num_outputs), "gaussian", shape, num_outputs)
    return jax.jit(loss.outputs)(params, x)


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


TOKENS = np.array([[1, 4, 2, 0], [3, 3, 1, 5]], np.int32)


def test_an_embedding_mlp_is_its_formula():
    network = EmbeddingMLP(embedding_width=3, width=4, bias_scale=0.2)
    params = initial_params(network, (4,), 6, seed=0)
    embedded = params["embedding"]["embedding"][TOKENS]
    layers = [params[f"position_{t}"] for t in range(4)]
    h = sum(embedded[:, t] @ layer["kernel"] + layer["bias"] for t, layer in enumerate(layers))
    by_hand = jax.nn.gelu(h, approximate=False) @ params["output"]["kernel"]
    np.testing.assert_allclose(outputs(network, params, TOKENS, 6), by_hand, rtol=1e-4, atol=1e-6)


def test_the_embedding_mlp_of_the_grokking_example_has_4428_parameters():
    """53 x 12 + 2 (12 x 48 + 48) + 48 x 53, as devinterp's notebook says."""
    params = initial_params(EmbeddingMLP(), (2,), 53, seed=0)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 4428


def attention_by_hand(params, h, places):
    """Causal softmax attention, one head and one query at a time."""
    out = np.zeros_like(h)
    for head in range(2):
        query, key = ((h + places) @ params[name]["kernel"][:, head] for name in ("query", "key"))
        value = h @ params["value"]["kernel"][:, head]
        for t in range(h.shape[1]):
            scores = np.einsum("bd,bsd->bs", query[:, t], key[:, : t + 1]) / np.sqrt(query.shape[-1])
            weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
            out[:, t] += np.einsum("bs,bsd->bd", weights, value[:, : t + 1]) @ params["out"]["kernel"][head]
    return out


@pytest.mark.parametrize("positions", ["learned", "shortformer"])
def test_an_attention_only_transformer_is_attention_added_to_the_stream(positions):
    network = Transformer(
        num_layers=1, num_heads=2, width=6, mlp_width=0, norm="none", bias=False, positions=positions,
        readout="all", embedding_scale=1.0,
    )  # fmt: skip
    params = jax.tree.map(np.asarray, initial_params(network, (4,), 7, seed=0))
    h, places = params["embedding"]["embedding"][TOKENS], params["position_embedding"]["embedding"]
    h, places = (h + places, 0) if positions == "learned" else (h, places)
    by_hand = (h + attention_by_hand(params["block_0"]["attention"], h, places)) @ params["output"]["kernel"]
    np.testing.assert_allclose(outputs(network, params, TOKENS, 7), by_hand, rtol=1e-3, atol=1e-5)


def test_a_causal_transformer_does_not_see_what_comes_after():
    network = Transformer(num_layers=2, num_heads=2, width=8, mlp_width=16, readout="all", embedding_scale=1.0)
    params = initial_params(network, (4,), 6, seed=0)
    changed = TOKENS.copy()
    changed[:, 3] = 2
    before, after = (outputs(network, params, x, 6) for x in (TOKENS, changed))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    assert not np.allclose(before[:, 3], after[:, 3])


def test_a_transformer_on_vectors_reads_out_its_last_position():
    fields = {"num_heads": 2, "width": 8, "mlp_width": 8, "inputs": "vectors", "norm": "rms_norm"}
    x = np.random.default_rng(0).standard_normal((3, 5, 2)).astype(np.float32)
    last, everywhere = (Transformer(**fields, readout=readout) for readout in ("last", "all"))
    params = initial_params(last, (5, 2), 1, seed=0)
    assert outputs(last, params, x, 1).shape == (3, 1)
    np.testing.assert_allclose(outputs(last, params, x, 1), outputs(everywhere, params, x, 1)[:, -1], rtol=1e-5)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValidationError, match="num_heads 3 does not divide width 8"):
        Transformer(num_heads=3, width=8)


@pytest.mark.parametrize(("network", "shape"), [(EmbeddingMLP(), (4, 4)), (Transformer(), (4, 4))])
def test_a_network_of_tokens_refuses_images(network: Network, shape):
    with pytest.raises(ValueError, match="needs tokens"):
        initial_params(network, shape, 3, seed=0)


def test_a_tied_autoencoder_starts_at_its_polygon():
    network = TiedAutoencoder(initial_polygon=4, initial_spread=0.0)
    params = initial_params(network, (6,), 6, seed=0)
    np.testing.assert_allclose(np.linalg.norm(params["W"], axis=0), [1, 1, 1, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(params["W"][:, 0] @ params["W"][:, 1], 0, atol=1e-6)
    x = np.diag([0.5] * 6).astype(np.float32)
    # A corner sees itself; its opposite is cut off by the ReLU; the two dead features give nothing.
    expected = np.diag([0.5, 0.5, 0.5, 0.5, 0, 0])
    np.testing.assert_allclose(outputs(network, params, x, 6), expected, atol=1e-6)


def test_every_other_position_reads_out_its_share():
    fields = {"num_heads": 2, "width": 8, "mlp_width": 0, "inputs": "vectors"}
    x = np.random.default_rng(0).standard_normal((3, 6, 2)).astype(np.float32)
    shared, everywhere = (Transformer(**fields, readout=readout) for readout in ("every_other", "all"))
    params = initial_params(shared, (6, 2), 3, seed=0)
    np.testing.assert_allclose(
        outputs(shared, params, x, 3), outputs(everywhere, params, x, 1)[:, ::2, 0], rtol=1e-4, atol=1e-6
    )
    with pytest.raises(ValueError, match="4 outputs cannot be shared out"):
        initial_params(shared, (6, 2), 4, seed=0)
