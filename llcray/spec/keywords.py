"""Keyword arguments that a function of the Python API does not take, explained as unknown keys of a sweep file are."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import yaml

from llcray.samplers import SGLD, Sampler
from llcray.spec.aliases import KEYS, PLACES, key_among
from llcray.spec.problems import suggestion

Called = TypeVar("Called", bound=Callable[..., Any])
SAMPLERS = (SGLD, *get_args(get_args(Sampler)[0]))
"""Samplers in the order in which the first one is named that has a setting."""


def explain_keywords(function: Called) -> Called:
    """The function, whose error for a keyword that it does not take says where that setting belongs.

    Args:
        function: A function, or a class, whose constructor is replaced.
    """
    if isinstance(function, type):
        cls: Any = function
        cls.__init__ = _explained(cls.__init__, cls.__name__)
        return cls
    return _explained(function, function.__name__)


def _explained(function: Any, name: str) -> Any:
    known = tuple(word for word in inspect.signature(function).parameters if word != "self")

    @functools.wraps(function)
    def explained(*args: Any, **settings: Any) -> Any:
        for word in settings:
            if word not in known:
                raise TypeError(f"{name} takes no argument '{word}'{_meant_by(word.lower(), known)}")
        return function(*args, **settings)

    return explained


def _meant_by(word: str, known: tuple[str, ...]) -> str:
    """The end of the sentence: what to write instead of a word, or which words there are."""
    if here := key_among(word, known):
        return f"; here it is '{here}'"
    if word in PLACES:
        place = yaml.safe_load(PLACES[word])
        if place.keys() <= set(known):
            return "; write " + ", ".join(f"{key}={value}" for key, value in place.items())
    for key in (word, *KEYS.get(word, ())):
        sampler = next((sampler for sampler in SAMPLERS if key in sampler.model_fields), None)
        if sampler and "sampler" in known:
            setting = {"kind": sampler.model_fields["kind"].default, key: sampler.model_fields[key].default}
            return f"; it is a setting of samplers, as in sampler={setting}"
    return suggestion(word, known) or f"; its arguments are {', '.join(known)}"
