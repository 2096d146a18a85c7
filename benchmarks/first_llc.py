"""From a language model in torch to its first LLC, by llcray and by devinterp 2: lines, processor-seconds, answer.

    python benchmarks/first_llc.py llcray
    python benchmarks/first_llc.py devinterp      # with devinterp and datasets installed

The model, a GPT-2 of two layers trained on sequences of a small grammar, is in hand when the clock starts; imports
count. Settings are those of each project's first page.
"""

import sys
import time
from typing import Any

import torch
import transformers

LINES = {
    "llcray": """
import llcray
target = llcray.torch.language_model(model.eval(), tokens)
print(llcray.estimate_llc(target))
""",
    "devinterp": """
from datasets import Dataset
from devinterp.slt.llc import llc
dataset = Dataset.from_dict({"input_ids": tokens.tolist()}).with_format("torch")
result = llc(
    model=model, dataset=dataset, observables={"train": dataset}, lr=0.001, n_beta=30, num_chains=4, num_draws=200
)
print(result["llc_mean"].item(), result["llc_std"].item(), result["llc_per_chain"].values)
""",
}
NUM_SEQUENCES, LENGTH, VOCABULARY, NUM_STEPS = 256, 16, 12, 600


def main() -> None:
    """Trains the model, then runs the lines of one project."""
    (name,) = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokens = sequences()
    model = trained(tokens)
    text = LINES[name].strip()
    wall, cpu = time.perf_counter(), time.process_time()
    exec(compile(text, name, "exec"), {"model": model, "tokens": tokens})
    print(
        f"{name}: {len(text.splitlines())} lines, {time.process_time() - cpu:.0f} processor-seconds, "
        f"{time.perf_counter() - wall:.0f} s; {sum(p.numel() for p in model.parameters()):,} parameters"
    )


def sequences() -> torch.Tensor:
    """Sequences in which each token is the sum of the two before it, or, one time in five, any token."""
    tokens = torch.randint(0, VOCABULARY, (NUM_SEQUENCES, LENGTH))
    for place in range(2, LENGTH):
        follows = torch.rand(NUM_SEQUENCES) < 0.8
        tokens[:, place] = torch.where(follows, tokens[:, place - 2 : place].sum(1) % VOCABULARY, tokens[:, place])
    return tokens


def trained(tokens: torch.Tensor) -> Any:
    """The model after its training, in evaluation mode."""
    model: Any = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=VOCABULARY, n_positions=LENGTH, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )
    )  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(NUM_STEPS):
        batch = tokens[torch.randint(0, len(tokens), (64,))]
        optimizer.zero_grad()
        model(batch, labels=batch).loss.backward()
        optimizer.step()
    return model.eval()


if __name__ == "__main__":
    main()
