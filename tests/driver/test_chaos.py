"""Workers, nodes and the driver killed at random: no run is lost, none is there twice, none differs from a calm run."""

from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_run_is_lost_in_25_kills(modules: None, tmp_path: Path):
    from driver_chaos import chaos  # pyright: ignore[reportMissingImports]

    killed = chaos(tmp_path, num_trials=60, num_kills=25, seed=1)
    assert set(killed) == {"worker", "node", "driver"} and sum(killed.values()) >= 25


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_sweep_whose_cluster_lost_its_head_goes_on_in_another_cluster(modules: None, tmp_path: Path):
    from driver_chaos import head_loss  # pyright: ignore[reportMissingImports]

    head_loss(tmp_path, num_trials=20)
