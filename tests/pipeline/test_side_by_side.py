"""Work side by side: in order, and without threads inside threads."""

import torch
from threadpoolctl import threadpool_info

from facetalk.pipeline.side_by_side import in_parts, ordered, single_threaded


def test_results_come_in_the_order_of_the_jobs():
    assert list(ordered(lambda job: job * job, range(40), 3)) == [job * job for job in range(40)]


def test_blas_uses_one_thread_where_ours_work_side_by_side():
    with single_threaded():
        inside = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert inside and set(inside) == {1}


def test_a_field_asked_in_parts_is_the_field_whole():
    points = torch.rand(25, 3)
    assert torch.equal(in_parts(lambda places: places[:, 0] - places[:, 1], 7)(points), points[:, 0] - points[:, 1])
    assert in_parts(lambda places: places[:, 0], 7)(points[:0]).shape == (0,)
