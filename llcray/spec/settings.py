"""Settings of one estimate as Python gives them: a kind, a mapping as in a sweep file, or a spec."""

from collections.abc import Mapping
from typing import Any

from llcray.posterior.spec import PosteriorSpec
from llcray.samplers import Sampler, SamplerVariant
from llcray.sampling.spec import SamplingSpec
from llcray.spec.problems import Place
from llcray.spec.validation import Form
from llcray.spec.yaml_tree import tree_of


def parse_sampler(sampler: str | Mapping[str, Any] | SamplerVariant) -> SamplerVariant:
    """The sampler that a kind or a mapping names; a sampler is returned as it is.

    Raises:
        SpecError: There is no such sampler, or it has no such setting.
    """
    return _parsed("sampler", Sampler, {"kind": sampler} if isinstance(sampler, str) else sampler, SamplerVariant)


def parse_posterior(posterior: PosteriorSpec | Mapping[str, Any] | None) -> PosteriorSpec:
    """The posterior that a mapping names as in a sweep file; a spec is returned as it is, and None is the default.

    Raises:
        SpecError: There is no such setting.
    """
    return _parsed("posterior", PosteriorSpec, {} if posterior is None else posterior, PosteriorSpec)


def parse_sampling(sampling: SamplingSpec | Mapping[str, Any] | None) -> SamplingSpec:
    """The criteria and budget that a mapping names as in a sweep file; a spec is returned as it is.

    Raises:
        SpecError: There is no such setting.
    """
    return _parsed("sampling", SamplingSpec, {} if sampling is None else sampling, SamplingSpec)


def _parsed(name: str, form: Any, value: Any, spec: type) -> Any:
    return value if isinstance(value, spec) else Form(form).read(tree_of(value, Place("", path=name)))
