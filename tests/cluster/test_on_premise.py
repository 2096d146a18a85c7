"""`ray up cluster/on_premise.yaml` against real sshds, a sweep submitted from outside, a node killed, `ray down`."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "modules"))

from cluster_lan import Lan, why_not  # pyright: ignore[reportMissingImports]
from cluster_on_premise import prove  # pyright: ignore[reportMissingImports]

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "everything is there")
SMALLER = (
    "targets.training.num_steps=200",
    "sampling.num_warmup=20",
    "sampling.budget.num_gradients=500",
)
KEPT = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2]]


def test_machines_see_their_own_processes_and_reach_each_other(tmp_path: Path):
    """Else `ray stop` on one of them would end every Ray of this machine."""
    lan = Lan(tmp_path, 2, KEPT)
    try:
        first, second = lan.nodes
        assert first.run("hostname").strip() == "node1"
        assert int(first.run("ps ax | wc -l")) < 15
        second.run("touch /tmp/only-here /root/only-here")
        assert "only-here" not in first.run("ls /tmp /root")
        done = first.run(f"ssh -q -i {lan.key} -o StrictHostKeyChecking=no root@{second.address} ls /root")
        assert "only-here" in done
    finally:
        lan.power_off()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_outlives_a_node_of_a_cluster_brought_up_by_ssh_and_nothing_is_left(tmp_path: Path, capsys):
    seconds = prove(tmp_path, SMALLER, num_runs=12)
    with capsys.disabled():
        print("\n" + "\n".join(f"{step:28s} {taken:7.1f} s" for step, taken in seconds.items()))
    assert set(seconds) >= {"ray up", "node killed after", "finished, after the kill", "ray down", "last process gone"}
