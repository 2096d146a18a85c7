"""The files of cluster/: Ray's schema, what Ray makes of them, and our own rules. Nothing is started."""

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from ray.autoscaler._private.kuberay import autoscaling_config
from ray.autoscaler._private.util import prepare_config, validate_config

from llcray.driver.cluster import ray_internals

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
LAUNCHER_FILES = sorted(CLUSTER.glob("*.yaml"))
KUBERAY_FILES = sorted((CLUSTER / "kuberay").glob("*.yaml"))
SLURM_FILES = sorted((CLUSTER / "slurm").glob("*.sbatch"))
SCHEMA = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
HEADINGS = ("Costs:", "Before:", "Submit:", "Watch:", "Down:")
PRICE = "llcray.io/usd-per-hour"


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def header(path: Path) -> str:
    """Returns the comment that a file begins with."""
    return "\n".join(line for line in path.read_text().split("\n\n")[0:3] if line.startswith("#"))


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_what_is_used_of_rays_internals_was_checked_on_the_ray_that_is_pinned():
    """Ray promises nothing about them: a new version has to be looked at."""
    said = re.search(r"checked on Ray ([\d.]+)\.", ray_internals.__doc__ or "")
    assert said is not None and said[1] == constraints()["ray"]


def by_name(path: Path) -> str:
    return path.name


def test_there_is_a_file_for_each_place():
    assert {path.name for path in LAUNCHER_FILES} == {"aws.yaml", "gcp.yaml", "on_premise.yaml"}
    assert {load(path)["kind"] for path in KUBERAY_FILES} == {"RayCluster", "RayJob"}
    assert {path.name for path in SLURM_FILES} == {"array.sbatch", "sweep.sbatch"}


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_a_launcher_file_fits_rays_schema(path: Path):
    """The schema allows no unknown key, so a misspelt one is caught here and not by a bill."""
    jsonschema.validate(load(path), SCHEMA)


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_ray_accepts_a_launcher_file(path: Path):
    config = prepare_config(load(path))
    validate_config(config)
    assert config["max_workers"] >= 1


@pytest.mark.parametrize("path", [*LAUNCHER_FILES, *KUBERAY_FILES, *SLURM_FILES], ids=by_name)
def test_a_header_says_cost_submission_and_teardown(path: Path):
    text = header(path)
    missing = [heading for heading in HEADINGS if heading.split()[0].lower() not in text.lower()]
    assert not missing
    teardown = {".yaml": r"ray down -y|kubectl delete -f", ".sbatch": r"scancel"}[path.suffix]
    assert re.search(teardown, text)
    assert str(path.relative_to(ROOT)) in text


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_the_head_runs_no_trials(path: Path):
    config = load(path)
    start = " ".join(config["head_start_ray_commands"])
    assert "--num-cpus=0" in start and "--num-gpus=0" in start
    if "available_node_types" in config:
        assert config["available_node_types"][config["head_node_type"]]["resources"] == {"CPU": 0, "GPU": 0}


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_ray_down_finds_ray(path: Path):
    """It runs `ray stop` in a login shell on the head, and says nothing where there is no `ray` on its path."""
    first = load(path)["setup_commands"][0]
    assert "PATH=~/llcray-env/bin:$PATH" in first and ">> ~/.bashrc" in first


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_idle_machines_go(path: Path):
    assert 1 <= load(path)["idle_timeout_minutes"] <= 30


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_versions_are_those_the_wheel_was_tested_with(path: Path):
    """Every install takes the wheel, its cluster extra and the constraints; constraints name the Ray that is here."""
    config = load(path)
    installs = [
        command
        for name in ("setup_commands", "head_setup_commands", "worker_setup_commands")
        for command in config.get(name, [])
        if "llcray-*.whl" in command
    ]
    assert installs
    assert all("-c ~/llcray-install/constraints.txt" in line and ",cluster]" in line for line in installs)
    assert config["file_mounts"]["~/llcray-install/constraints.txt"] == "constraints.txt"
    pins = constraints()
    if sys.version_info[:2] == (3, 11):  # What newer ones run with is not pinned.
        assert pins["ray"] == version("ray") and pins["jax"] == version("jax")
    pinned = re.findall(r'"(jax)\[cuda12\]==([\d.]+)"', " ".join(config["setup_commands"]))
    assert all(pins[name] == number for name, number in pinned)
    python = re.findall(r"python ?(3\.\d+)", " ".join(config["setup_commands"]))
    assert set(python) == {"3.11"}


@pytest.mark.parametrize("name", ["aws.yaml", "gcp.yaml"])
def test_clouds_have_spot_workers_that_start_at_none_and_machines_that_say_their_price(name: str):
    config = load(CLUSTER / name)
    types = config["available_node_types"]
    workers = {key: value for key, value in types.items() if key != config["head_node_type"]}
    assert all(one["min_workers"] == 0 and one["resources"]["GPU"] >= 1 for one in workers.values())
    assert all(float(one["labels"][PRICE]) > 0 for one in types.values())
    spot = [key for key, value in workers.items() if "spot" in json.dumps(value["node_config"]).lower()]
    assert spot == ["gpu_spot"] and workers["gpu_spot"]["max_workers"] > 0


@pytest.mark.parametrize("path", LAUNCHER_FILES, ids=by_name)
def test_no_credential_is_written_into_a_file(path: Path):
    assert not re.search(r"AKIA[0-9A-Z]{16}|SECRET_ACCESS_KEY=[^.\s]|PRIVATE KEY-----", path.read_text())


def ray_cluster(path: Path) -> dict[str, Any]:
    manifest = load(path)
    return manifest if manifest["kind"] == "RayCluster" else {**manifest, "spec": manifest["spec"]["rayClusterSpec"]}


@pytest.mark.parametrize("path", KUBERAY_FILES, ids=by_name)
def test_the_autoscaler_reads_a_manifest_as_meant(path: Path):
    """As Ray reads a RayCluster: a head without room for trials, GPU workers from none to eight, with prices."""
    resource = ray_cluster(path)
    resource["metadata"] = {**resource["metadata"], "namespace": "default"}
    config = autoscaling_config._derive_autoscaling_config_from_ray_cr(resource)
    validate_config(config)
    types = config["available_node_types"]
    head, worker = types["headgroup"], types["gpu-spot"]
    assert head["resources"]["CPU"] == 0 and not head["resources"].get("GPU")
    assert (worker["min_workers"], worker["max_workers"]) == (0, 8)
    assert worker["resources"]["GPU"] == 1 and worker["resources"]["CPU"] == 4
    assert float(worker["labels"][PRICE]) > 0
    assert config["idle_timeout_minutes"] >= 5


# Fields of KubeRay's Go types (ray-operator/apis/ray/v1, release 1.5), those that are set here. The definitions
# themselves are not packaged anywhere that a test could install them from.
FIELDS = {
    "RayJob.spec": {
        "entrypoint",
        "submissionMode",
        "shutdownAfterJobFinishes",
        "ttlSecondsAfterFinished",
        "backoffLimit",
        "rayClusterSpec",
    },
    "spec": {"rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs"},
    "autoscalerOptions": {"idleTimeoutSeconds", "upscalingMode", "resources", "image", "env", "envFrom", "version"},
    "headGroupSpec": {"rayStartParams", "template", "serviceType", "resources", "labels"},
    "workerGroupSpec": {
        "groupName",
        "replicas",
        "minReplicas",
        "maxReplicas",
        "numOfHosts",
        "rayStartParams",
        "template",
        "labels",
        "idleTimeoutSeconds",
    },
}


@pytest.mark.parametrize("path", KUBERAY_FILES, ids=by_name)
def test_a_manifest_uses_fields_that_the_operator_knows(path: Path):
    manifest = load(path)
    assert manifest["apiVersion"] == "ray.io/v1"
    if manifest["kind"] == "RayJob":
        assert set(manifest["spec"]) <= FIELDS["RayJob.spec"]
        assert manifest["spec"]["shutdownAfterJobFinishes"] is True
    spec = ray_cluster(path)["spec"]
    assert set(spec) <= FIELDS["spec"]
    assert set(spec["autoscalerOptions"]) <= FIELDS["autoscalerOptions"]
    assert set(spec["headGroupSpec"]) <= FIELDS["headGroupSpec"]
    assert all(set(group) <= FIELDS["workerGroupSpec"] for group in spec["workerGroupSpecs"])
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())


@pytest.mark.parametrize("path", KUBERAY_FILES, ids=by_name)
def test_the_versions_of_a_manifest_are_those_of_the_image(path: Path):
    spec = ray_cluster(path)["spec"]
    assert spec["rayVersion"] == version("ray") == constraints()["ray"]
    images = re.findall(r"llcray:(\S+?)-(?:cpu|cuda12)\b", path.read_text())
    assert set(images) == {version("llcray")}


def test_the_image_installs_the_wheel_with_the_constraints_and_runs_as_nobody_special():
    text = (CLUSTER / "image" / "Dockerfile").read_text()
    assert "-c /install/constraints.txt" in text and "[${EXTRA},cluster]" in text
    assert re.search(r"^USER ray$", text, re.MULTILINE)
    assert re.search(r"^ARG PYTHON=3\.11$", text, re.MULTILINE)
