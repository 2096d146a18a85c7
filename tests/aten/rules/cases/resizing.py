"""Cases of images in another size."""

from tests.aten.rules.cases.draw import Case, images, of

CASES: dict[str, list[Case]] = {
    **{
        f"aten.upsample_nearest{n}d.vec": [of(images(n, 5), [8, 6, 3][:n], None),
        of(images(n, 5), None, [1.7, 2.0, 0.6][:n])]
        for n in (1, 2, 3)
    },
    **{
        f"aten.upsample_{name}.vec": [
            of(images(n, 5), [8, 6, 3][:n], False, None), of(images(n, 5), [8, 1, 3][:n], True, None),
            of(images(n, 5), None, False, [1.7, 2.0, 0.6][:n]),
        ]
        for n, name in ((1, "linear1d"), (2, "bilinear2d"), (3, "trilinear3d"))
    },
}  # fmt: skip
CASES["aten.upsample_nearest1d.vec"].append(of((1, 1, 14), [46], None))  # 14/46 is rounded between two neighbours

CASES |= {
    f"aten.{name}.vec": [
        of(images(2, 6), [9, 3], False, None), of(images(2, 6), [9, 3], True, None),
        of(images(2, 6), [2, 11], False, None), of(images(2, 6), None, False, [1.7, 0.45]),
    ]
    for name in ("upsample_bicubic2d", "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
}  # fmt: skip
