"""Every line of the threat model names the tests that hold it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(tests/[a-z_/]+\.py)?::(test_\w+)`")


def test_every_line_of_the_threat_model_names_tests_that_exist():
    section = (ROOT / "SECURITY.md").read_text().partition("## Threat model")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(lines) >= 8
    for line in lines:
        named = NAMED.findall(line)
        assert named, line
        file = ""
        for path, test in named:
            file = path or file
            assert f"def {test}(" in (ROOT / file).read_text(), f"{file}::{test}"
