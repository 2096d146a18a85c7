"""Workers, nodes and the driver killed at random: no run is lost, none is there twice, none differs from a calm run."""

from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_run_is_lost_in_ten_kills(modules: None, tmp_path: Path):
    """For more kills: python tests/driver/modules/driver_chaos.py --trials 60 --kills 25."""
    from driver_chaos import chaos  # pyright: ignore[reportMissingImports]

    assert chaos(tmp_path, num_trials=25, num_kills=10, seed=1) == {"worker": 6, "node": 2, "driver": 2}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_sweep_whose_cluster_lost_its_head_goes_on_in_another_cluster(modules: None, tmp_path: Path):
    from driver_chaos import head_loss  # pyright: ignore[reportMissingImports]

    head_loss(tmp_path, num_trials=10)
