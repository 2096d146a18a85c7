"""storage/README.md says what the code does."""

import os
import re
from pathlib import Path

import pytest
from llcray_storage.schema.dictionary import dictionary, with_dictionary
from llcray_storage.schema.tables import TABLES
from llcray_storage.store.settings import open_store

STORAGE = Path(__file__).parents[2] / "storage"


@pytest.mark.parametrize(
    ("path", "parts"),
    [("storage/README.md", ("data dictionary", "verdicts")), ("docs/what_is_estimated.md", ("verdicts", "glossary"))],
)
def test_the_generated_parts_of_pages_are_up_to_date(path, parts):
    page = (STORAGE.parent / path).read_text(encoding="utf-8")
    assert page == with_dictionary(page), f"run `python -m llcray_storage.schema.dictionary {path}`"
    assert all(f"<!-- end of {part} -->" in page for part in parts)


def test_the_dictionary_has_every_column():
    text = dictionary()
    for table in TABLES:
        for column in table.columns:
            assert re.search(rf"^\| \*?{column.name}\*? \|", text, re.MULTILINE), column.name


def test_a_page_without_a_place_for_the_dictionary_is_refused():
    with pytest.raises(ValueError, match=r"no place"):
        with_dictionary("# A page")


def test_links_of_the_page_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", (STORAGE / "README.md").read_text()):
        assert (STORAGE / link).exists(), link


@pytest.mark.parametrize("path", sorted(STORAGE.glob("*.yaml")), ids=lambda path: path.name)
def test_the_profiles_open(path, monkeypatch, tmp_path):
    monkeypatch.setenv("LLCRAY_BUCKET", "bucket")
    monkeypatch.setenv("LLCRAY_S3_ENDPOINT", "http://127.0.0.1:9000")
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    if path.name == "gcs.yaml":
        key = '{"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"}'
        (tmp_path / "key.json").write_text(key)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    store = open_store(path)
    assert store.uri in ("s3://bucket/llcray", "gs://bucket/llcray", f"{tmp_path}{os.sep}llcray")
