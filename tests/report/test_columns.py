"""Columns as people write and read them: short names, labels, headings."""

import pytest
from llcray_storage.schema.tables import RUNS

from llcray.report.columns import axis_label, heading, resolve
from llcray.report.errors import ReportError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("activation", "architecture_activation"),
        ("teacher_activation", "teacher_activation"),
        ("rate", "noise_rate"),
        ("widths", "architecture_widths"),
        ("noise", "noise_kind"),
        ("sampler", "sampler"),
        ("llc", "llc"),
        ("num_data", "num_data"),
        ("num_params", "num_params"),
    ],
)
def test_a_name_may_leave_out_its_section(written: str, meant: str):
    assert resolve(written) == meant


def test_every_column_resolves_to_itself():
    assert [resolve(name) for name in RUNS.by_name] == list(RUNS.by_name)


def test_an_ambiguous_name_lists_what_it_could_be():
    with pytest.raises(ReportError, match=r"noise_kind.*write the whole name"):
        resolve("kind")


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(ReportError, match="did you mean 'activation'"):
        resolve("activaton")


def test_every_column_has_a_label_and_a_heading():
    assert all(axis_label(name) and heading(name) for name in RUNS.by_name)
    assert axis_label("llc") == "LLC (nats)"
