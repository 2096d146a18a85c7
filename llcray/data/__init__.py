"""Data: input distributions for teachers, and data that come with labels; one file each.

Importing this package loads no JAX.
"""

from typing import Annotated

from pydantic import Field

from llcray.data.anisotropic_gaussian import AnisotropicGaussian as AnisotropicGaussian
from llcray.data.digit_sums import DigitSums as DigitSums
from llcray.data.digits import Digits as Digits
from llcray.data.file import File as File
from llcray.data.gaussian import Gaussian as Gaussian
from llcray.data.gaussian_mixture import GaussianMixture as GaussianMixture
from llcray.data.in_context_regression import InContextRegression as InContextRegression
from llcray.data.manifold import Manifold as Manifold
from llcray.data.modular import Modular as Modular
from llcray.data.repeated_bigrams import RepeatedBigrams as RepeatedBigrams
from llcray.data.source import Examples as Examples
from llcray.data.source import LabelledData as LabelledData
from llcray.data.source import Split as Split
from llcray.data.source import SuppliedData as SuppliedData
from llcray.data.source import SyntheticData as SyntheticData
from llcray.data.source import Task as Task
from llcray.data.sparse_features import SparseFeatures as SparseFeatures
from llcray.data.student_t import StudentT as StudentT

Data = Annotated[
    Gaussian
    | AnisotropicGaussian
    | GaussianMixture
    | Manifold
    | StudentT
    | Digits
    | DigitSums
    | File
    | Modular
    | SparseFeatures
    | InContextRegression
    | RepeatedBigrams,
    Field(discriminator="kind"),
]
