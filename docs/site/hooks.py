"""Pages of the site that are made when it is built: reference, notebooks, pages from elsewhere in the repository.

Links from a page into the repository (an experiment's file, a folder of queries) lead to copies within the site.
"""

import json
import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from llcray.reference.pages import pages

sys.path.insert(0, str(Path(__file__).parent))

from notebooks import TUTORIALS, as_markdown

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "cluster.md": "cluster/README.md",
    "storage.md": "storage/README.md",
    "extend.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "experiments/index.md": "experiments/README.md",
    "benchmarks/index.md": "benchmarks/README.md",
    "benchmarks/efficiency.md": "benchmarks/efficiency.md",
}
"""Pages of the site, and the files of the repository that they show."""
COPIES = "repository"
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<path>[^)#\s:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, and a copy of each file of the repository that a page links to."""
    for name, text in pages().items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    for name, source in ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    for notebook in sorted(TUTORIALS.glob("*.ipynb")):
        text, pictures = as_markdown(json.loads(notebook.read_text(encoding="utf-8")), notebook.stem)
        files.append(File.generated(config, f"tutorials/{notebook.stem}.md", content=text))
        for file, picture in pictures.items():
            files.append(File.generated(config, f"tutorials/{file}", content=picture))
    for page in [file for file in files if file.src_uri.endswith(".md")]:
        for path in map(Path, _linked(page)):
            uri = f"{COPIES}/{path}"
            if path.suffix != ".md" and (ROOT / path).is_file() and not files.get_file_from_path(uri):
                files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lets links into the repository lead to pages of the site, or to the copies."""
    del config

    def within_the_site(link: re.Match[str]) -> str:
        path = _in_repository(page.file, link["path"])
        if (ROOT / path).is_dir():
            target = _page_of(f"{path}/README.md")
        else:
            target = _page_of(path) or (path.removeprefix("docs/") if path.startswith("docs/") else f"{COPIES}/{path}")
        if target is None:  # a folder without a page
            return link["text"]
        relative = posixpath.relpath(target, posixpath.dirname(page.file.src_uri) or ".")
        return f"[{link['text']}]({relative}{link['anchor'] or ''})"

    return LINK.sub(within_the_site, markdown)


def _page_of(path: str) -> str | None:
    return next((uri for uri, source in ELSEWHERE.items() if source == path), None)


def _in_repository(file: File, link: str) -> str:
    """The path in the repository that a link of a page means."""
    source = ELSEWHERE.get(file.src_uri, f"docs/{file.src_uri}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _linked(file: File) -> list[str]:
    """The paths in the repository, outside the pages, that a page links to."""
    paths = [_in_repository(file, link["path"]) for link in LINK.finditer(file.content_string)]
    return [path for path in paths if not path.startswith(("docs/", "..")) and _page_of(path) is None]
