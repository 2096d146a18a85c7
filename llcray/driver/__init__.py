"""Runs sweeps: Ray Tune schedules, the dataset remembers. The only package that imports ray, and that late."""

from llcray.driver.errors import DriverError as DriverError
from llcray.driver.options import SweepOptions as SweepOptions
from llcray.driver.plan.plan import describe_plan as describe_plan
from llcray.driver.sweep import run_sweep as run_sweep
