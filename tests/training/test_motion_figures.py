"""The quick figures know right from wrong."""

import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.training.motion_figures import (
    GAP_MM,
    Take,
    best_lag,
    closures,
    columns,
    correlation,
    diversity,
    figures,
)

FRAMES = 90
PHONES = [("m", 1.0, 1.1), ("a", 1.5, 1.7)]


def made_weights() -> torch.Tensor:
    """A jaw that moves, shut by mouthClose during /m/."""
    weights = torch.zeros(FRAMES, 52)
    jaw = 0.2 + 0.1 * torch.sin(torch.arange(FRAMES) * 0.7)
    weights[:, ARKIT_INDEX["jawOpen"]] = jaw
    weights[29:34, ARKIT_INDEX["mouthClose"]] = jaw[29:34]
    weights[:, ARKIT_INDEX["mouthPucker"]] = torch.linspace(0, 1, FRAMES)
    return weights


def test_a_perfect_take_has_perfect_figures():
    weights = made_weights()
    measured = figures([Take(weights, weights.clone(), PHONES)])
    for name in ("gap", "jaw", "rounding", "closed", "closed_truth", "speed_ratio"):
        assert abs(measured[name] - 1) < 1e-5, name
    assert measured["lag"] == 0 and measured["false_closed"] == 0


def test_an_open_mouth_fails_to_close_and_a_shut_one_closes_falsely():
    weights = made_weights()
    still = torch.zeros(FRAMES, 52)
    agape = still + columns({"jawOpen": 0.3})
    assert figures([Take(weights, agape, PHONES)])["closed"] == 0
    assert figures([Take(weights, still, PHONES)])["false_closed"] == 1
    assert figures([Take(weights, still, PHONES)])["gap"] == 0


def test_lag_is_found():
    curve = torch.randn(200, generator=torch.Generator().manual_seed(0))
    assert best_lag(curve, curve.roll(2)) == 2
    assert best_lag(curve, curve.roll(-1)) == -1


def test_closures_are_looked_for_near_their_segment():
    gap = columns(GAP_MM) @ made_weights().T
    assert closures(gap, PHONES).tolist() == [True]
    assert closures(gap, [("m", 1.5, 1.6)]).tolist() == [False]
    assert closures(gap, [("m", 9.0, 9.1)]).tolist() == []


def test_correlation_forgets_scale_and_sign_matters():
    curve = torch.randn(50)
    assert abs(correlation(curve, 3 * curve + 1) - 1) < 1e-5
    assert abs(correlation(curve, -curve) + 1) < 1e-5


def test_equal_takes_are_not_diverse():
    takes = [Take(made_weights(), made_weights() + 0.1 * torch.randn(FRAMES, 52), PHONES)]
    same = diversity(takes, takes)
    assert same["upper_difference"] == 0 and abs(same["lips_agree"] - 1) < 1e-5
    other = [Take(made_weights(), takes[0].made + 0.1 * torch.randn(FRAMES, 52), PHONES)]
    assert diversity(takes, other)["upper_difference"] > 0.5
