from .errors import DriverError as DriverError
from .options import SweepOptions as SweepOptions
from .plan.plan import describe_plan as describe_plan
from .sweep import run_sweep as run_sweep
