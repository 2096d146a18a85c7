"""The table of sweep options: command line, submission and "again" line are made of it and agree with each other."""

import shlex
from dataclasses import fields, replace
from typing import Any, get_args

import click
import pytest

from llcray.cli.sweeps import sweep
from llcray.driver import DriverError, SweepOptions
from llcray.driver.cluster.submit import PROGRAM, driver_words
from llcray.driver.options import OPTIONS, command_to_go_on, flag_of

REMOTE = "http://head:8265"
EXAMPLES: dict[Any, Any] = {
    str: "s3://bucket/results",
    str | None: "board",
    bool: True,
    int: 7,
    int | None: 7,
    float | None: 1_234_567.5,
    tuple[str, ...]: ("targets.num_params={grid: [3, 5]}", "name=it's"),
}
"""A value for each type of option, other than the default of any."""
VALUES: dict[str, Any] = {
    name: EXAMPLES[get_args(annotation)[0]] for name, annotation in SweepOptions.__annotations__.items()
}
GIVEN = SweepOptions(**{**VALUES, "address": REMOTE})


def parsed(words: list[str]) -> SweepOptions:
    """The options that `llcray sweep` reads from a command line, without the file."""
    values = sweep.make_context("sweep", list(words)).params
    del values["file"]
    return SweepOptions(**values)


def with_defaults_but(names: set[str]) -> SweepOptions:
    return SweepOptions(**{name: getattr(GIVEN, name) for name in names})


def test_every_option_of_a_sweep_is_in_the_table_and_on_the_command_line():
    names = [field.name for field in fields(SweepOptions)]
    assert list(OPTIONS) == names
    parameters = {parameter.name: parameter for parameter in sweep.params if isinstance(parameter, click.Option)}
    assert list(parameters) == names
    assert all(parameters[name].default == getattr(SweepOptions, name) for name in names)
    assert all(getattr(GIVEN, name) != getattr(SweepOptions, name) for name in names)


def test_a_submitted_command_line_is_read_as_the_options_that_were_given():
    """Catches an option that is dropped on the way, and a duration of weeks that is written with an exponent."""
    words = driver_words("tiny.yaml", replace(GIVEN, tensorboard=None))
    assert words[: len(PROGRAM) + 2] == [*PROGRAM, "sweep", "tiny.yaml"]
    forwarded = {name for name, option in OPTIONS.items() if option.with_remote_address == "forwarded"}
    assert parsed(words[len(PROGRAM) + 1 :]) == replace(with_defaults_but(forwarded), address="auto")


def test_options_that_are_not_forwarded_take_effect_here_or_are_refused_with_a_remedy():
    others = {name: option for name, option in OPTIONS.items() if option.with_remote_address != "forwarded"}
    assert set(others) == {"address", "detach", "py_modules", "tensorboard"}
    assert all((option.with_remote_address == "refused") == bool(option.remedy) for option in others.values())


def test_event_files_of_a_sweep_that_runs_elsewhere_are_refused_with_a_remedy():
    """Catches `--tensorboard` being dropped without a word."""
    with pytest.raises(
        DriverError, match=r"^--tensorboard board .*http://head:8265.*--address auto on a machine"
    ) as said:
        driver_words("tiny.yaml", GIVEN)
    assert "\n" not in str(said.value)


def test_a_profile_file_is_named_as_the_driver_finds_it():
    words = driver_words("tiny.yaml", SweepOptions(storage="/home/me/bucket.yaml", address=REMOTE))
    assert parsed(words[len(PROGRAM) + 1 :]).storage == "bucket.yaml"


def test_the_command_that_goes_on_repeats_what_was_given_but_does_not_redo_what_is_done():
    program, command, *words = shlex.split(command_to_go_on("a b/tiny.yaml", GIVEN))
    assert (program, command, words[0]) == ("llcray", "sweep", "a b/tiny.yaml")
    assert parsed(words) == replace(GIVEN, force=False, detach=False)
    assert command_to_go_on("tiny.yaml", SweepOptions()) == "llcray sweep tiny.yaml"


@pytest.mark.parametrize(
    ("name", "flag"), [("overrides", "--set"), ("py_modules", "--py-module"), ("quiet", "--quiet")]
)
def test_flags_keep_their_names(name: str, flag: str):
    assert flag_of(name) == flag


@pytest.mark.parametrize(("name", "value"), [("max_concurrent", 0), ("max_pack", 0), ("max_retries", -1)])
def test_counts_below_the_least_are_refused(name: str, value: Any):
    with pytest.raises(click.BadParameter, match="range"):
        parsed(["tiny.yaml", flag_of(name), str(value)])
