"""A target is built once; its arrays are what its row says, or it is built again."""

from pathlib import Path

import llcray_storage as ls
import numpy as np
import pytest
from llcray_storage.files.arrays import arrays_digest, stored_arrays, to_bytes


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[::2],
        np.array(3.5),
        np.zeros((0, 4), np.float32),
        np.arange(5, dtype=">f8"),
        np.array([True, False]),
        np.arange(4, dtype=np.int32),
        np.array([1.5], np.float16),
    ],
    ids=["transposed", "strided", "scalar", "empty", "big-endian", "bool", "int32", "float16"],
)
def test_arrays_come_back_as_they_were(dataset, array):
    """Catches safetensors, which silently writes views of other arrays wrong."""
    dataset.write_target({"target_id": "t1"}, {"params/w": array, "b": np.ones(2)})
    found = dataset.read_target("t1")
    assert found is not None
    np.testing.assert_array_equal(found[1]["params/w"], array)
    assert found[1]["params/w"].shape == array.shape
    assert found[1]["params/w"].dtype == array.dtype.newbyteorder("=")


def test_the_digest_is_of_content_not_of_memory():
    array = np.arange(6.0).reshape(2, 3)
    same = {"a": np.asfortranarray(array), "b": np.ones(2)}
    assert arrays_digest(same) == arrays_digest({"b": np.ones(2), "a": array})
    assert arrays_digest({"a": array}) != arrays_digest({"a": array.reshape(3, 2)})
    assert arrays_digest({"a": array}) != arrays_digest({"a": array.astype(np.float32)})
    assert arrays_digest({"a": array}) != arrays_digest({"c": array})


def test_the_same_arrays_are_the_same_bytes():
    arrays = {name: np.ones(3) for name in "abcdefgh"}
    assert to_bytes(stored_arrays(arrays)) == to_bytes(stored_arrays(dict(reversed(arrays.items()))))


def test_the_row_says_where_the_arrays_are_and_their_shapes(dataset, root):
    dataset.write_target({"target_id": "t1", "dtype": "float64", "num_params": 6}, {"w": np.ones((2, 3))})
    row = ls.scan_targets(root).collect().row(0, named=True)
    assert row["shapes"] == '{"w": [2, 3]}'
    assert (Path(root) / row["artifact"]).stat().st_size == row["artifact_bytes"]
    assert (row["num_params"], row["dtype"], row["generation"]) == (6, "float64", 1)


def test_the_first_build_counts(dataset):
    assert dataset.write_target({"target_id": "t1"}, {"w": np.ones(3)}).created
    assert not dataset.write_target({"target_id": "t1"}, {"w": np.zeros(3)}).created
    found = dataset.read_target("t1")
    assert found is not None and found[1]["w"].tolist() == [1.0, 1.0, 1.0]


def test_a_target_nobody_wrote_is_to_be_built(dataset):
    assert dataset.read_target("t1") is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "remove"])
def test_a_damaged_artifact_is_quarantined_and_the_same_build_restores_it(dataset, root, damage):
    arrays = {"w": np.arange(100.0)}
    dataset.write_target({"target_id": "t1"}, arrays)
    path = next(Path(root).glob("targets/*/*.safetensors"))
    data = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes({"flip": data[:-1] + b"\x01", "truncate": data[:-8], "empty": b""}[damage])
    assert dataset.read_target("t1") is None
    assert not path.exists()
    assert dataset.write_target({"target_id": "t1"}, arrays).generation == 1
    assert path.read_bytes() == data


def test_a_rebuild_with_other_bits_becomes_the_next_generation(dataset, root):
    dataset.write_target({"target_id": "t1"}, {"w": np.ones(3)})
    next(Path(root).glob("targets/*/*.safetensors")).unlink()
    assert dataset.write_target({"target_id": "t1"}, {"w": np.full(3, 2.0)}).generation == 2
    found = dataset.read_target("t1")
    assert found is not None and found[1]["w"].tolist() == [2.0, 2.0, 2.0]
    assert ls.scan_targets(root).collect().height == 1


def test_an_array_that_cannot_be_stored_is_refused(dataset):
    with pytest.raises(ls.StorageError, match=r"array 'names' has dtype <U1"):
        dataset.write_target({"target_id": "t1"}, {"names": np.array(["a"])})


def test_a_column_nobody_knows_is_refused(dataset):
    with pytest.raises(ls.StorageError, match=r"no column 'num_param': did you mean 'num_params'"):
        dataset.write_target({"target_id": "t1", "num_param": 3}, {})


def test_processes_that_build_the_same_target_leave_one(dataset, root, processes):
    pids = [processes.start(do="write_target", root=root) for _ in range(4)]
    assert [processes.wait(pid) for pid in pids] == [0, 0, 0, 0]
    assert ls.scan_targets(root).collect().height == 1
    assert ls.verify(root, deep=True).findings == ()


def test_gc_removes_targets_no_run_refers_to(dataset, root, new_row):
    for target_id in ("used", "unused", "compacted"):
        dataset.write_target({"target_id": target_id}, {"w": np.ones(3)})
        if target_id == "compacted":
            ls.compact(root)
    dataset.write_target({"target_id": "late"}, {"w": np.ones(3)})
    dataset.write_run(new_row(target_id="used"))
    assert ls.gc(root).target_ids == (), "targets of a sweep under way are younger than a week"
    collected = ls.gc(root, unused_seconds=-60.0)
    assert collected.target_ids == ("compacted", "late", "unused")
    assert ls.scan_targets(root).collect()["target_id"].to_list() == ["used"]
    assert len(list(Path(root).glob("targets/*/*.safetensors"))) == 1
    assert dataset.read_target("used") is not None
    assert ls.verify(root, deep=True).ok
