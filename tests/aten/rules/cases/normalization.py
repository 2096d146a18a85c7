"""Cases of normalizations."""

from tests.aten.rules.cases.draw import Case

CASES: dict[str, list[Case]] = {
    "aten._native_batch_norm_legit.no_stats": [
        lambda draw: (draw.normal(1, 3, 4, 5), draw.normal(3), draw.normal(3), True, 0.1, 1e-5),
        lambda draw: (draw.normal(2, 3, 4), None, None, True, 0.1, 1e-5),
    ],
    "aten._native_batch_norm_legit_no_training.default": [
        lambda draw: (
            draw.normal(2, 3, 4), draw.normal(3), draw.normal(3), draw.normal(3), draw.uniform(0.5, 2, 3), 0.1, 1e-5
        ),
        lambda draw: (draw.normal(2, 3), None, None, draw.normal(3), draw.uniform(0.5, 2, 3), 0.1, 1e-5),
    ],
    "aten.native_group_norm.default": [
        lambda draw: (draw.normal(2, 6, 4), draw.normal(6), draw.normal(6), 2, 6, 4, 3, 1e-5),
        lambda draw: (draw.normal(2, 4, 3, 3), None, None, 2, 4, 9, 2, 1e-5),
    ],
    "aten.native_layer_norm.default": [
        lambda draw: (draw.normal(2, 3, 4), [4], draw.normal(4), draw.normal(4), 1e-5),
        lambda draw: (draw.normal(2, 3, 4), [3, 4], None, None, 1e-5),
    ],
}  # fmt: skip
