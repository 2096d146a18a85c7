"""The results dataset of llcray: plain Parquet, each run written whole and once, read with polars. No JAX, no Ray."""

from llcray_storage.dataset import Dataset as Dataset
from llcray_storage.errors import StorageError as StorageError
from llcray_storage.maintain.compact import Compaction as Compaction
from llcray_storage.maintain.compact import compact as compact
from llcray_storage.maintain.compact import compact_if_due as compact_if_due
from llcray_storage.maintain.gc import Collected as Collected
from llcray_storage.maintain.gc import gc as gc
from llcray_storage.maintain.merge import Imported as Imported
from llcray_storage.maintain.merge import import_dataset as import_dataset
from llcray_storage.maintain.vacuum import vacuum as vacuum
from llcray_storage.maintain.verify import Finding as Finding
from llcray_storage.maintain.verify import Report as Report
from llcray_storage.maintain.verify import verify as verify
from llcray_storage.read import finished as finished
from llcray_storage.read import generations as generations
from llcray_storage.read import scan_draws as scan_draws
from llcray_storage.read import scan_draws_long as scan_draws_long
from llcray_storage.read import scan_observables as scan_observables
from llcray_storage.read import scan_runs as scan_runs
from llcray_storage.read import scan_targets as scan_targets
from llcray_storage.schema.tables import SCHEMA_VERSION as SCHEMA_VERSION
from llcray_storage.sql import sql as sql
from llcray_storage.write.commit import WriteOutcome as WriteOutcome
from llcray_storage.write.stages import scan_stages as scan_stages
from llcray_storage.write.sweep_files import SweepFile as SweepFile
from llcray_storage.write.sweep_files import sweep_files as sweep_files
