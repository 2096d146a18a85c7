"""Any order of commits, reruns, compactions, vacuums and kills agrees with a dict."""

import shutil
import tempfile
from typing import Any

import llcray_storage as ls
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from llcray_storage.store import failpoints

IDS = st.sampled_from([f"r{n}" for n in range(4)])
WRITE_POINTS = st.sampled_from(["local.tmp_written", "local.linked", "commit.draws_put", "commit.run_put"])
COMPACTION_POINTS = st.sampled_from(
    ["compact.commits_put", "compact.details_put", "compact.published", "vacuum.deleted"]
)


class Killed(BaseException):
    """Stands for SIGKILL, since nothing in the package catches it; test_kills.py sends a real one."""


def stop_at(point: str) -> None:
    def observer(name: str) -> None:
        if name == point:
            failpoints.observe(lambda name: None)
            raise Killed

    failpoints.observe(observer)


class DatasetMachine(RuleBasedStateMachine):
    """The model maps a run to its generation, status and number."""

    def __init__(self) -> None:
        super().__init__()
        self.root = tempfile.mkdtemp()
        self.dataset = ls.Dataset.create_or_open(self.root)
        self.model: dict[str, tuple[int, str, float]] = {}
        self.number = 0.0

    def teardown(self) -> None:
        failpoints.observe(lambda name: None)
        shutil.rmtree(self.root)

    def _write(self, run_id: str, status: str, **columns: Any) -> None:
        self.number += 1.0
        row = {"run_id": run_id, "sweep": "s", "status": status, "llc": self.number, **columns}
        chains = [{"chain": n, "centered_loss": np.full(3, self.number)} for n in range(2)] if status == "done" else []
        self.dataset.write_run(row, chains)

    @rule(run_id=IDS, status=st.sampled_from(["done", "failed"]))
    def commit(self, run_id: str, status: str) -> None:
        self._write(run_id, status)
        known = self.model.get(run_id)
        if known is None:
            self.model[run_id] = (1, status, self.number)
        elif known[1] == "failed" and status == "done":
            self.model[run_id] = (known[0] + 1, status, self.number)

    @precondition(lambda self: self.model)
    @rule(run_id=IDS)
    def rerun(self, run_id: str) -> None:
        generation = self.model.get(run_id, (0, "", 0.0))[0] + 1
        self._write(run_id, "done", generation=generation)
        self.model[run_id] = (generation, "done", self.number)

    @rule(run_id=IDS, point=WRITE_POINTS)
    def commit_and_die(self, run_id: str, point: str) -> None:
        """A new process sees the run whole or not at all; the model takes over which of the two happened."""
        stop_at(point)
        try:
            self.commit(run_id, "done")
        except Killed:
            seen = self._seen().get(run_id)
            if seen is not None and seen[2] == self.number:
                self.model[run_id] = seen
        failpoints.observe(lambda name: None)
        self.dataset = ls.Dataset.open(self.root)

    @rule()
    def compact(self) -> None:
        ls.compact(self.root)

    @rule()
    def vacuum(self) -> None:
        ls.vacuum(self.root, grace_seconds=-60.0)

    @rule(point=COMPACTION_POINTS)
    def compact_and_die(self, point: str) -> None:
        stop_at(point)
        try:
            ls.compact(self.root, grace_seconds=-60.0)
        except Killed:
            self.dataset = ls.Dataset.open(self.root)
        failpoints.observe(lambda name: None)

    @rule()
    def repair(self) -> None:
        report = ls.verify(self.root, deep=True, repair=True)
        assert report.ok and not report.quarantined

    def _seen(self) -> dict[str, tuple[int, str, float]]:
        rows = ls.scan_runs(self.root).select("run_id", "generation", "status", "llc").collect()
        assert rows["run_id"].is_unique().all()
        return {run_id: (generation, status, llc) for run_id, generation, status, llc in rows.iter_rows()}

    @invariant()
    def readers_agree_with_the_model(self) -> None:
        assert self._seen() == self.model
        draws = ls.scan_draws(self.root).select("run_id", "generation", "centered_loss").collect()
        seen = sorted((run_id, generation, set(values)) for run_id, generation, values in draws.iter_rows())
        expected = [
            (run_id, generation, {number})
            for run_id, (generation, status, number) in sorted(self.model.items())
            if status == "done"
            for _ in range(2)
        ]
        assert seen == expected


TestDataset = DatasetMachine.TestCase
TestDataset.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=(HealthCheck.too_slow,), database=None
)
