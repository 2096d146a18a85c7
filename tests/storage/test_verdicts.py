"""The verdicts: one declaration that the schema, its page and the judge share."""

from typing import get_args

from llcray_storage.schema.dictionary import verdicts
from llcray_storage.schema.tables import RUNS
from llcray_storage.schema.verdicts import VERDICTS, VerdictName


def test_the_type_of_verdict_names_lists_the_declared_verdicts_in_order():
    assert tuple(verdict.name for verdict in VERDICTS) == get_args(VerdictName)


def test_the_column_and_the_page_name_every_verdict():
    meaning, page = RUNS.by_name["verdict"].meaning, verdicts()
    for verdict in VERDICTS:
        assert verdict.name in meaning
        assert f"| `{verdict.name}` |" in page
