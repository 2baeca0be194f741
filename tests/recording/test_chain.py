import numpy as np
import pytest

from facetalk.recording.chain import REACH, solved


@pytest.mark.parametrize("frames", [1, 3, 7, 9])
def test_a_chain_is_solved_as_its_whole_matrix(frames):
    random, numbers = np.random.default_rng(frames), 4
    dense = np.zeros((frames, numbers, frames, numbers))
    for first in range(frames):  # any sum of squares over neighbours
        last = min(first + REACH + 1, frames)
        rows = random.normal(size=(numbers, (last - first) * numbers))
        dense[first:last, :, first:last] += (rows.T @ rows).reshape(last - first, numbers, last - first, numbers)
        dense[first, :, first] += np.eye(numbers)
    pull = random.normal(size=(frames, numbers))
    precision = np.zeros((REACH + 1, frames, numbers, numbers))
    for lag in range(REACH + 1):
        for frame in range(frames - lag):
            precision[lag, frame] = dense[frame, :, frame + lag]
    found = solved(precision, pull)
    inverse = np.linalg.inv(dense.reshape(frames * numbers, -1))
    assert np.allclose(found.mean, -(inverse @ pull.ravel()).reshape(pull.shape))
    inverse = inverse.reshape(dense.shape)
    for lag in range(REACH + 1):
        for frame in range(frames - lag):
            assert np.allclose(found.covariance[lag, frame], inverse[frame, :, frame + lag])
