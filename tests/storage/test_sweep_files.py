"""A dataset says which question it answers, and with which file it was asked."""

from dataclasses import replace

import llcray_storage as ls

ASKED = ls.SweepFile("s", "Does it grow?", "name: s\n# μ\n", ("replicates=2",))


def test_a_file_is_kept_once_and_a_changed_one_beside_it(dataset, root):
    assert ls.sweep_files(root, "s") == []
    assert dataset.write_sweep_file(ASKED)
    assert not dataset.write_sweep_file(ASKED)
    assert dataset.write_sweep_file(replace(ASKED, overrides=()))
    assert dataset.write_sweep_file(ASKED), "the newest is what counts, so going back is a change"
    kept = ls.sweep_files(root, "s")
    assert [file.overrides for file in kept] == [("replicates=2",), (), ("replicates=2",)]
    assert kept[0].question == "Does it grow?" and kept[0].source == ASKED.source and kept[0].written_at
    assert ls.verify(root, deep=True).findings == ()


def test_files_come_with_an_import_once(dataset, root, tmp_path):
    dataset.write_sweep_file(ASKED)
    for _ in range(2):
        ls.import_dataset(root, str(tmp_path / "other"))
    [file] = ls.sweep_files(str(tmp_path / "other"), "s")
    assert file == ls.sweep_files(root, "s")[0]


def test_a_file_that_is_not_readable_is_passed_over(dataset, root, tmp_path):
    """A damaged sweep file is no error, since no estimate depends on it."""
    dataset.write_sweep_file(ASKED)
    (tmp_path / "results" / "sweeps" / "sweep=s" / "000000000002.json").write_text("{")
    assert len(ls.sweep_files(root, "s")) == 1
    assert dataset.write_sweep_file(ASKED)
