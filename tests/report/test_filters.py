"""Filters as people write them, applied to real rows."""

import polars as pl
import pytest

from llcray.report.errors import ReportError
from llcray.report.filters import parse_filter

ROWS = pl.DataFrame(
    {
        "architecture_activation": ["relu", "tanh", "relu", None],
        "num_data": [1000, 5000, 9000, 5000],
        "noise_rate": [0.0, 0.1, None, 0.2],
        "sampler_kind": ["sgld", "hmc", "hmc", "sgld"],
        "is_likelihood": [True, False, True, None],
        "llc": [1.0, 2.0, 3.0, 4.0],
        "true_llc": [2.0, 1.0, 3.0, None],
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('activation == "relu" and num_data >= 5000', [2]),
        ("activation = 'relu' AND num_data < 5000", [0]),
        ("activation != 'relu' or rate > 0.15", [1, 3]),
        ("activation <> 'relu' || noise_rate > 0.15", [1, 3]),
        ("not (activation == 'relu') && num_data == 5000", [1]),
        ("1000 < num_data <= 5000", [1, 3]),
        ("activation in ('relu', 'gelu')", [0, 2]),
        ("activation not in ['relu']", [1]),
        ("noise_rate is null", [2]),
        ("noise_rate IS NOT NULL", [0, 1, 3]),
        ("noise_rate == None", [2]),
        ("is_likelihood", [0, 2]),
        ("not is_likelihood", [1]),
        ("sampler_kind == 'a=b' or llc > true_llc", [1]),
        ("num_data > -1 and llc >= 3", [2, 3]),
    ],
)
def test_a_filter_keeps_the_rows_it_says(text: str, kept: list[int]):
    assert ROWS.with_row_index().filter(parse_filter(text))["index"].to_list() == kept


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activation == relu", "quote it"),
        ("activation > 3", "does not hold a number"),
        ("architecture_widths == 4", r'holds lists, which are written with dashes: architecture_widths == "4"'),
        ("num_data == 'many'", "does not hold text"),
        ("activation ==", "not understood"),
        ("activation", "no condition"),
        ("nonsense == 1", "no column 'nonsense'"),
        ("__import__('os').system('true') == 1", "no column"),
        ("llc > (lambda: 1)()", "no value"),
        ("activation like 'r%'", "not understood"),
        ("", "not understood"),
    ],
)
def test_a_filter_that_means_nothing_is_one_line(text: str, message: str):
    with pytest.raises(ReportError, match=message) as error:
        parse_filter(text)
    assert "\n" not in str(error.value)
