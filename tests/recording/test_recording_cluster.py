"""Needs the extra `ray`; workers of a cluster are processes of their own, so nothing may be patched here."""

import numpy as np
import pytest
from recorded_balls import contents, record

from facetalk.recording import batch
from facetalk.recording.newton import FastConfig
from facetalk.recording.sequence import Job, SequenceConfig
from made_models import ball_head

QUICK = SequenceConfig(FastConfig(points=80, last_points=80, rounds=2, first_rounds=3))


@pytest.mark.filterwarnings("default")
def test_eight_workers_of_a_ray_cluster_write_the_same_bytes(tmp_path, weights):
    ray = pytest.importorskip("ray")
    for number in range(8):
        record(tmp_path / "recordings" / str(number), f"slide-{number}", frames=4, lost=())
    person = tmp_path / "person.npz"
    np.savez(person, z_id=np.zeros(ball_head().config.layout.size, np.float32))

    def tasks(dataset):
        return [
            batch.Task(Job(folder, tmp_path / dataset, QUICK), weights / "head.safetensors", str(person), False)
            for folder in batch.found([tmp_path / "recordings"])
        ]

    assert all(outcome.made for outcome in batch.run(tasks("one"), 1))
    ray.init(num_cpus=8, include_dashboard=False)
    try:
        assert len(list(batch.run_on_ray(tasks("cluster"), "auto"))) == 8
    finally:
        ray.shutdown()
    assert contents(tmp_path / "one") == contents(tmp_path / "cluster")
    assert len(contents(tmp_path / "cluster")) == 8 * 3
