"""Models of transformers that are no decoders: losses, and gradients by the checks of `llcray.torch.target`."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llcray

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
HUGGING_FACE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("hugging_face.py")))
FAST = ("bert", "t5", "vit")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in HUGGING_FACE["MODELS"]]
)
@pytest.mark.filterwarnings("ignore:torch gives row")
def test_a_model_of_transformers_is_a_target(name: str):
    """Losses of other examples than those of the trace agree, one alone included."""
    torch.manual_seed(0)
    model, loss, data = HUGGING_FACE["MODELS"][name]()
    HUGGING_FACE["away"](model)
    target = llcray.torch.target(model, loss, data, is_likelihood=False)
    with torch.no_grad():
        expected = loss(model, data).numpy()
    buffers = () if target.buffers is None else (target.buffers,)
    np.testing.assert_allclose(target.loss_fn(target.params, target.data, *buffers), expected, rtol=2e-5)
    alone = {key: array[2:3] for key, array in target.data.items()}
    np.testing.assert_allclose(target.loss_fn(target.params, alone, *buffers), expected[2:3], rtol=2e-5)
