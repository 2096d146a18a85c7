"""devinterp's RMSProp-SGLD on a deep linear task at one step size; prints one JSON object. Needs torch and devinterp.

python peer_draws.py TASK.npz STEP_SIZE NUM_STEPS
"""

import json
import sys
import time

import numpy as np
import torch
from devinterp.optim import SGMCMC

NUM_CHAINS = 4
BATCH_SIZE = 64
STEPS_PER_DRAW = 20


def main() -> None:
    """Chains one after another; the loss over all data is computed at each draw, off the clock."""
    path, step_size, num_steps = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    task = np.load(path)
    seconds, draws = 0.0, []
    for chain in range(NUM_CHAINS):
        taken, losses = sample(task, step_size, num_steps, chain)
        seconds += taken
        draws.append(losses)
    print(json.dumps({"cpu_seconds": seconds, "losses": draws}))


def sample(task: dict, step_size: float, num_steps: int, seed: int) -> tuple[float, list[float]]:
    """CPU seconds of the steps of one chain, and L_n at its draws."""
    torch.manual_seed(seed)
    x, y = (torch.from_numpy(task[name]).float() for name in ("x", "y"))
    scale = 0.5 / float(task["noise_scale"]) ** 2
    network = build(task)
    optimizer = SGMCMC.rmsprop_sgld(
        network.parameters(), lr=step_size, nbeta=float(task["n_beta"]), localization=float(task["localization"])
    )
    seconds, losses = 0.0, []
    for _ in range(num_steps // STEPS_PER_DRAW):
        started = time.process_time()
        for _ in range(STEPS_PER_DRAW):
            chosen = torch.randint(len(x), (BATCH_SIZE,))
            optimizer.zero_grad()
            loss = scale * ((network(x[chosen]) - y[chosen]) ** 2).sum(-1).mean()
            loss.backward()
            optimizer.step()
        seconds += time.process_time() - started
        with torch.no_grad():
            losses.append(float(scale * ((network(x) - y) ** 2).sum(-1).mean()))
    return seconds, losses


def build(task: dict) -> torch.nn.Sequential:
    """The linear layers at w*."""
    layers = []
    for name in sorted(name for name in task if name.startswith("kernel_")):
        kernel = torch.from_numpy(task[name]).float()
        layer = torch.nn.Linear(*kernel.shape, bias=False)
        with torch.no_grad():
            layer.weight.copy_(kernel.T)
        layers.append(layer)
    return torch.nn.Sequential(*layers)


if __name__ == "__main__":
    main()
