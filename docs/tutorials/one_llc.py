# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One LLC, and what to distrust
#
# A network of twelve parameters learns a sine. We estimate the local learning coefficient (LLC) of what it found, look at
# the chains, and then ask three questions that every estimate should be asked: is this point a minimum, does the
# localization decide, and does another sampler agree?

# %%
import jax
import jax.numpy as jnp
import numpy as np
import optax

from llcray import Target, estimate_llc

rng = np.random.default_rng(0)
x = np.linspace(-2, 2, 200)[:, None]
y = np.sin(2 * x) + 0.1 * rng.normal(size=x.shape)


def loss(params, batch):
    """The negative log-likelihood of each example, in nats, up to a constant: normal errors of scale 0.1."""
    x, y = batch
    hidden = jnp.tanh(x @ params["w"] + params["b"])
    return 0.5 * jnp.sum((hidden @ params["v"] - y) ** 2, axis=-1) / 0.1**2


# %% [markdown]
# Training is yours: any loop that ends with a pytree of arrays. We keep the weights of an early step, too.

# %%
optimizer = optax.adam(0.02)


@jax.jit
def step(params, state):
    gradient = jax.grad(lambda params: loss(params, (x, y)).mean())(params)
    updates, state = optimizer.update(gradient, state)
    return optax.apply_updates(params, updates), state


params = {name: rng.normal(size=shape) for name, shape in {"w": (1, 4), "b": (4,), "v": (4, 1)}.items()}
state = optimizer.init(params)
kept = {}
for number in range(1, 5001):
    params, state = step(params, state)
    if number in (200, 5000):
        kept[number] = params

# %% [markdown]
# ## The estimate
#
# No step size, no length, no temperature: the sampler `auto` finds what it needs. The first number is the LLC, with its
# two errors: how well the level is known at this gamma, and how far a smaller gamma could move it.

# %%
e = estimate_llc(Target(kept[5000], loss, data=(x, y)), seed=0)
e

# %%
e.plot()

# %% [markdown]
# The grey band is the sampling error. Chains that keep apart would be a reason to distrust it; `e.plot("rank")` and
# `e.plot("trace")` say more.
#
# ## Is this point a minimum?
#
# An LLC belongs to a minimum. At step 200 training was not done: chains find lower loss, and the verdict says so.

# %%
estimate_llc(Target(kept[200], loss, data=(x, y)), seed=0)

# %% [markdown]
# ## Does the localization decide?
#
# gamma keeps chains near w\*. Directions that the loss does not hold are held by gamma alone, so the LLC is a number *at
# a gamma*. Estimates at several say how much of it is: where they agree there is a plateau.

# %%
for gamma in (1.0, 10.0, 100.0):
    at_gamma = estimate_llc(Target(kept[5000], loss, data=(x, y)), posterior={"localization": gamma}, seed=0)
    print(f"gamma {gamma:5g}: LLC {at_gamma.llc:.2f} ± {at_gamma.llc_sampling_se:.2f}, {at_gamma.verdict}")

# %% [markdown]
# ## Does another sampler agree?
#
# HMC takes full gradients and rejects what is wrong: it has no step-size bias at all, and shares nothing with `auto` but
# the posterior. At one gamma the two have to agree within their errors.

# %%
posterior = {"localization": 10.0}
samplers = ("auto", {"kind": "hmc", "num_integration_steps": 20})
both = [estimate_llc(Target(kept[5000], loss, data=(x, y)), kind, posterior=posterior, seed=1) for kind in samplers]
difference = both[0].llc - both[1].llc
error = np.hypot(both[0].llc_sampling_se, both[1].llc_sampling_se)
print(f"difference {difference:.2f} ± {error:.2f} nats")
