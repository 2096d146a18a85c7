"""Sweep files: from YAML to validated runs, with the place of every mistake, and from runs to dataset columns.

Nothing here loads JAX or Ray.
"""

from llcray.spec.chains import runs_before as runs_before
from llcray.spec.columns import columns_of_part as columns_of_part
from llcray.spec.columns import spec_columns as spec_columns
from llcray.spec.conduct import Conduct as Conduct
from llcray.spec.conduct import Halving as Halving
from llcray.spec.load import load_sweep as load_sweep
from llcray.spec.problems import Place as Place
from llcray.spec.problems import Problem as Problem
from llcray.spec.problems import SpecError as SpecError
from llcray.spec.run import RunSpec as RunSpec
from llcray.spec.sweep import Resources as Resources
from llcray.spec.sweep import Sweep as Sweep
from llcray.spec.trials import TrialPlan as TrialPlan
from llcray.spec.trials import trials as trials
