"""Likelihoods, which turn outputs and labels into nats; one file each. Importing this package loads no JAX."""

from typing import Annotated

from pydantic import Field

from llcray.likelihoods.categorical import CategoricalLikelihood as CategoricalLikelihood
from llcray.likelihoods.gaussian import GaussianLikelihood as GaussianLikelihood
from llcray.likelihoods.gaussian_mixture import GaussianMixtureLikelihood as GaussianMixtureLikelihood
from llcray.likelihoods.heteroscedastic import HeteroscedasticLikelihood as HeteroscedasticLikelihood
from llcray.likelihoods.likelihood import LikelihoodVariant as LikelihoodVariant
from llcray.likelihoods.student_t import StudentTLikelihood as StudentTLikelihood

Likelihood = Annotated[
    GaussianLikelihood
    | HeteroscedasticLikelihood
    | StudentTLikelihood
    | GaussianMixtureLikelihood
    | CategoricalLikelihood,
    Field(discriminator="kind"),
]

LIKELIHOODS: dict[str, type[LikelihoodVariant]] = {
    "gaussian": GaussianLikelihood,
    "heteroscedastic": HeteroscedasticLikelihood,
    "student_t": StudentTLikelihood,
    "gaussian_mixture": GaussianMixtureLikelihood,
    "categorical": CategoricalLikelihood,
}
