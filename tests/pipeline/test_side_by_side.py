"""Work side by side: in order, and without threads inside threads."""

from threadpoolctl import threadpool_info

from facetalk.pipeline.side_by_side import ordered, single_threaded


def test_results_come_in_the_order_of_the_jobs():
    assert list(ordered(lambda job: job * job, range(40), 3)) == [job * job for job in range(40)]


def test_blas_uses_one_thread_where_ours_work_side_by_side():
    with single_threaded():
        inside = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert inside and set(inside) == {1}
