"""An estimate is written in the same two labelled parts everywhere, whatever is known of it."""

import math
import subprocess
import sys

import llcray_storage as ls
import pytest
from llcray_storage.estimate_words import estimate_cell, estimate_of, estimate_text, level_note, plus_minus

TEXTS = {
    "both parts": ((33.8412, 0.3217, 14.75), "33.84 ± 0.32 (sampling) ± 15 (localization)"),
    "a running estimate": ((12.3, 0.4, None), "12.30 ± 0.40 (sampling)"),
    "a sampling error above one": ((39.279, 1.849, 16.06), "39.3 ± 1.8 (sampling) ± 16 (localization)"),
    "a small LLC": ((0.001, 0.00003, 0.0002), "0.001000 ± 0.000030 (sampling) ± 0.00020 (localization)"),
    "a large one": ((12345.6, 150.0, 3000.0), "12346 ± 150 (sampling) ± 3000 (localization)"),
    "no localization": ((2.0, 0.1, 0.0), "2.00 ± 0.10 (sampling) ± 0 (localization)"),
    "no sampling error": ((2.0, None, 0.5), "2 ± ? (sampling) ± 0.50 (localization)"),
    "a sampling error that is no number": ((2.0, math.nan, 0.5), "2 ± ? (sampling) ± 0.50 (localization)"),
    "an exact value": ((2.0, 0.0, 0.0), "2 ± 0 (sampling) ± 0 (localization)"),
    "errors of one weight and of a chain that hardly moved": (
        (1183.7284785694712, 4.5e-12, 9.9e-11),
        "1184 ± 0 (sampling) ± 0 (localization)",
    ),
    "an error that rounds up to a power of ten": ((31.82, 0.0998, 9.98), "31.82 ± 0.10 (sampling) ± 10 (localization)"),
    "a level alone": ((2.0, None, None), "2"),
    "no estimate": ((None, None, None), "-"),
    "an estimate that is no number": ((math.nan, 0.1, 0.1), "-"),
}
NOTES = {
    "one gamma": (([20.0, 20.0], [144.76, 144.76]), "Gamma 20, n beta 144.8. LLCs are at this gamma: "),
    "several gammas": (([8.0, 31.0], [144.76]), "Gamma 8 to 31, n beta 144.8. Each LLC is at its own gamma: "),
    "failed runs have none": (([20.0, None], [144.76, None]), "Gamma 20, n beta 144.8. LLCs are at this gamma: "),
    "no localization": (([0.0], [1e6]), "Gamma 0, n beta 1,000,000."),
    "nothing": (([None], [None]), ""),
}


@pytest.mark.parametrize(("numbers", "text"), TEXTS.values(), ids=TEXTS)
def test_both_parts_are_labelled(numbers, text):
    assert estimate_text(*numbers) == text
    assert estimate_cell(*numbers) == text.replace(" (sampling)", "").replace(" (localization)", "")


@pytest.mark.parametrize(("values", "text"), NOTES.values(), ids=NOTES)
def test_gamma_is_named_once_for_a_table(values, text):
    note = level_note(*values)
    assert note.startswith(text) and (note == text or note.endswith("Compare at one gamma."))


def test_a_row_is_written_with_its_gamma_and_n_beta():
    row = {"llc": 33.8412, "llc_sampling_se": 0.3217, "localization_se": 14.75, "localization": 20.0, "n_beta": 144.76}
    assert estimate_of(row) == "33.84 ± 0.32 (sampling) ± 15 (localization) at gamma 20, n beta 144.8"
    assert estimate_of(dict.fromkeys(row, math.nan)) == "-"


def test_a_value_without_an_error_stands_alone():
    assert plus_minus(4.123456, None) == plus_minus(4.123456, 0.0) == "4.123"


@pytest.mark.parametrize(("mcse", "step", "total"), [(3.0, 4.0, 5.0), (0.3, None, 0.3), (None, 0.1, None)])
def test_older_rows_have_their_sampling_error_filled_in(dataset, root, new_row, mcse, step, total):
    """The column is newer than llc_mcse and step_size_bias_se, of which it is the root of the sum of squares."""
    dataset.write_run(new_row("a", llc_mcse=mcse, step_size_bias_se=step))
    dataset.write_run(new_row("b", llc_mcse=mcse, step_size_bias_se=step, llc_sampling_se=7.0))
    found = dict(ls.scan_runs(root).select("run_id", "llc_sampling_se").collect().iter_rows())
    assert found["a"] == (None if total is None else pytest.approx(total)) and found["b"] == 7.0
    assert ls.sql(root, "SELECT llc_sampling_se FROM runs WHERE run_id = 'b'").item() == 7.0


def test_the_words_load_nothing_heavy():
    code = "import sys; import llcray_storage.estimate_words; print('polars' in sys.modules, 'pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
