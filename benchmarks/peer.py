"""devinterp's SGLD on the common task, as its users step it; prints one JSON object. Needs torch and devinterp.

python peer.py TASK.npz BATCH_SIZE NUM_STEPS REPEATS NUM_CHAINS STEP_SIZE N_BETA
"""

import json
import sys
import time

import numpy as np
import torch
from devinterp.optim import SGMCMC


def main() -> None:
    """Times chains one after another, each its own copy of the network, as devinterp's sampler runs them."""
    path, *numbers = sys.argv[1:]
    batch_size, num_steps, repeats, num_chains = (int(number) for number in numbers[:4])
    step_size, n_beta = (float(number) for number in numbers[4:])
    torch.set_num_threads(1)
    arrays = {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    best = (float("inf"), float("inf"))
    for repeat in range(repeats + 1):
        started, cpu_started = time.perf_counter(), time.process_time()
        for chain in range(num_chains):
            sample(arrays, batch_size, num_steps, step_size, n_beta, chain)
        taken = time.process_time() - cpu_started, time.perf_counter() - started
        best = min(best, taken) if repeat else best
    chain_steps = num_chains * num_steps
    print(
        json.dumps({"name": "devinterp", "chain_steps": chain_steps, "cpu_seconds": best[0], "wall_seconds": best[1]})
    )


def sample(
    arrays: dict[str, torch.Tensor], batch_size: int, num_steps: int, step_size: float, n_beta: float, seed: int
) -> None:
    """One chain."""
    generator = torch.Generator().manual_seed(seed)
    network = build(arrays)
    optimizer = SGMCMC.sgld(network.parameters(), lr=step_size, nbeta=n_beta)
    x, y = arrays["x"], arrays["y"]
    for _ in range(num_steps):
        chosen = torch.randint(len(x), (batch_size,), generator=generator)
        optimizer.zero_grad()
        loss = 0.5 * ((network(x[chosen]) - y[chosen]) ** 2).sum(-1).mean()
        loss.backward()
        optimizer.step()


def build(arrays: dict[str, torch.Tensor]) -> torch.nn.Sequential:
    """The network at its center."""
    layers: list[torch.nn.Module] = []
    depth = sum(name.startswith("kernel_") for name in arrays)
    for layer in range(depth):
        kernel = arrays[f"kernel_{layer}"]
        linear = torch.nn.Linear(*kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(kernel.T)
            linear.bias.copy_(arrays[f"bias_{layer}"])
        layers += [linear, torch.nn.ReLU()] if layer < depth - 1 else [linear]
    return torch.nn.Sequential(*layers)


if __name__ == "__main__":
    main()
