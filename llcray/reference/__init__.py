"""The reference of the sweep language, made of the specs: every kind, and every field with its default and meaning.

`llcray explain`, `llcray schema` and the site's reference page read the same catalogue, so none of them can disagree
with what a sweep file accepts. Importing this package loads no JAX.
"""

from llcray.reference.catalogue import FieldEntry as FieldEntry
from llcray.reference.catalogue import RecordEntry as RecordEntry
from llcray.reference.catalogue import catalogue as catalogue
from llcray.reference.json_schema import json_schema as json_schema
from llcray.reference.lookup import UnknownNameError as UnknownNameError
from llcray.reference.lookup import look_up as look_up
