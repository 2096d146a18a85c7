"""Checkpoints named by their ids on the Hugging Face hub: from the cache, from a server, or not."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llcray.data.tokens import Tokens
from llcray.spec import SpecError, load_sweep
from llcray.targets import CheckpointTarget
from llcray.targets.checkpoint.hub import HubModel, hub_name

GPT2 = Path(__file__).parent / "fixtures" / "gpt2"
FILES = ("config.json", "model.safetensors")
REPOSITORY = "someone/tiny"
COMMITS = {name: hashlib.sha1(name.encode()).hexdigest() for name in ("main", "step10", "step2")}
needs_client = pytest.mark.skipif(
    find_spec("huggingface_hub") is None, reason="huggingface_hub is not installed: llcray[hub]"
)
PLAN = """
import json, sys
from llcray.targets import CheckpointTarget
path, tokens = sys.argv[1:]
try:
    target = CheckpointTarget(path=path, data={"kind": "tokens", "path": tokens})
    targets = target.checkpointed()
    made = [[str(one.path), one.step, one.sha256, str(one.folder), len(one.build().params)] for one in targets]
except ValueError as error:
    made = str(error)
print(json.dumps(made))
"""


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    rows = np.random.default_rng(0).integers(0, 29, size=(4, 8))
    path = tmp_path / "probe.npy"
    np.save(path, rows)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache as the client leaves it, of the main revision and of two steps."""
    root = tmp_path / "cache" / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
    for name, commit in COMMITS.items():
        (root / "refs").mkdir(parents=True, exist_ok=True)
        (root / "refs" / name).write_text(commit)
        folder = root / "snapshots" / commit
        folder.mkdir(parents=True)
        for file in FILES:
            shutil.copy(GPT2 / file, folder)
    return tmp_path / "cache"


@pytest.fixture
def hub() -> Iterator[str]:
    """The address of a server that speaks the hub's protocol and has one repository."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Hub(BaseHTTPRequestHandler):
    """Answers of the hub about `REPOSITORY`."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        api = f"/api/models/{REPOSITORY}"
        if path == f"{api}/refs":
            branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in COMMITS.items()]
            return self.answer({"branches": branches, "converts": [], "tags": []})
        if path.startswith(f"{api}/revision/"):
            revision = path.rpartition("/")[2]
            if (commit := COMMITS.get(revision)) is None:
                return self.answer({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
            return self.answer({"id": REPOSITORY, "sha": commit, "siblings": [{"rfilename": name} for name in FILES]})
        if path.startswith(f"{api}/tree/"):
            sizes = {name: (GPT2 / name).stat().st_size for name in FILES}
            files = [{"type": "file", "path": n, "size": s, "oid": hash_of(n)} for n, s in sizes.items()]
            return self.answer(files)
        if path.startswith(f"/{REPOSITORY}/resolve/"):
            _, _, rest = path.partition("/resolve/")
            commit, _, name = rest.partition("/")
            if name in FILES:
                return self.answer((GPT2 / name).read_bytes(), 200, {"ETag": hash_of(name), "X-Repo-Commit": commit})
        return self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})

    def answer(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def hash_of(name: str) -> str:
    return hashlib.sha1((GPT2 / name).read_bytes()).hexdigest()


def made(path: str, tokens: Path, home: Path, **environment: str) -> Any:
    """The targets that a path stands for, in a process of its own: the client reads its settings once."""
    settings = {"HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", PLAN, path, str(tokens)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def digest(tokens: Path) -> str | None:
    return CheckpointTarget(path=GPT2, data=Tokens(path=tokens)).sha256


@needs_client
@pytest.mark.parametrize("path", [f"hf://{REPOSITORY}", REPOSITORY, f"{REPOSITORY}@step10"])
def test_a_model_in_the_cache_is_read_without_a_network_and_is_the_folder_that_it_is(path, tokens, cache):
    [[_, _, sha256, folder, num_arrays]] = made(path, tokens, cache, HF_HUB_OFFLINE="1")
    assert sha256 == digest(tokens), "the bytes make the id, not where they lie"
    assert Path(folder).name == COMMITS["step10" if "@" in path else "main"]
    assert num_arrays > 0


@needs_client
@pytest.mark.parametrize("place", ["cache", "hub"])
def test_revisions_that_a_pattern_names_are_a_trajectory(place, tokens, request, tmp_path):
    settings = {"HF_HUB_OFFLINE": "1"} if place == "cache" else {"HF_ENDPOINT": request.getfixturevalue("hub")}
    home = request.getfixturevalue("cache") if place == "cache" else tmp_path / "empty"
    found = made(f"hf://{REPOSITORY}@step*", tokens, home, **settings)
    assert [(path, step) for path, step, *_ in found] == [(f"hf://{REPOSITORY}@step{step}", step) for step in (2, 10)]
    assert {sha256 for _, _, sha256, *_ in found} == {digest(tokens)}


@needs_client
def test_a_model_of_the_hub_is_fetched_once_and_read_without_it_afterwards(tokens, hub, tmp_path):
    [fetched] = made(f"hf://{REPOSITORY}@step2", tokens, tmp_path / "home", HF_ENDPOINT=hub)
    assert fetched[2] == digest(tokens)
    assert [fetched] == made(f"hf://{REPOSITORY}@step2", tokens, tmp_path / "home", HF_HUB_OFFLINE="1")


REFUSED = {
    "offline": (
        "hf://someone/other",
        "is not in the cache .* Fetch it .*hf download someone/other`, or give a folder that is here",
    ),
    "no such model": ("hf://someone/other", "the hub has no model 'someone/other' that you may read"),
    "no such revision": (f"{REPOSITORY}@step3", f"{REPOSITORY} has no revision 'step3' on the hub"),
    "no such pattern": (f"{REPOSITORY}@epoch*", r"names no revision; there are main, step10, step2"),
    "no step": (f"{REPOSITORY}@m*", "names main, which ends in no step"),
}


@needs_client
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_had_is_one_line(name, tokens, hub, tmp_path):
    path, expected = REFUSED[name]
    settings = {"HF_HUB_OFFLINE": "1"} if name == "offline" else {"HF_ENDPOINT": hub}
    said = made(path, tokens, tmp_path / "home", **settings)
    assert isinstance(said, str) and re.search(expected, said), said


def test_without_the_client_the_remedy_is_named(tokens, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r'read with huggingface_hub: python -m pip install "llcray\[hub\]"'):
        CheckpointTarget(path="hf://someone/without-a-client", data=Tokens(path=tokens))


def test_a_name_in_a_sweep_file_is_refused_beside_its_other_mistakes(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    target = {"kind": "checkpoint", "path": "hf://someone/tiny", "data": {"kind": "tokens", "path": "missing.npy"}}
    with pytest.raises(SpecError) as refused:
        load_sweep({"name": "s", "question": "?", "targets": [target], "samplers": [{"kind": "auto"}]})
    lines = str(refused.value).splitlines()
    assert len(lines) == 2 and "hf://someone/tiny is a model of the Hugging Face hub" in lines[0]
    assert "there is no file" in lines[1]


NAMES = {
    "hf://gpt2": "hf://gpt2",
    "gpt2": None,
    "EleutherAI/pythia-14m@step3000": "hf://EleutherAI/pythia-14m@step3000",
    "EleutherAI/pythia-14m": "hf://EleutherAI/pythia-14m",
    "run/checkpoint-100": None,
    "run/checkpoint-*": None,
    "./EleutherAI/pythia-14m": None,
    "~/models/gpt2": None,
    "/models/gpt2": None,
    "a/b/c": None,
}


def test_a_path_is_a_name_of_the_hub_where_it_can_be_no_folder(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    assert {path: hub_name(path) for path in NAMES} == NAMES


@pytest.mark.parametrize("name", ["hf://a/b/c", "hf://", "hf://a/b@../../refs", "hf://a/b@"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValueError, match=rf"^{re.escape(name)} names no model: write hf://ORGANISATION/MODEL"):
        HubModel.parse(name)
