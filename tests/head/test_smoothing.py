import torch

from facetalk.geometry import PAPER_BOX
from facetalk.head.model import Deformation
from facetalk.head.smoothing import facial_weight, smoothed

LANDMARKS = {
    "mouth_centre": torch.tensor([0.0, -0.12, 0.25]),
    "chin": torch.tensor([0.0, -0.29, 0.22]),
    "eye_left": torch.tensor([0.13, 0.16, 0.12]),
    "eye_right": torch.tensor([-0.13, 0.16, 0.12]),
    "throat": torch.tensor([0.0, -0.37, 0.03]),
}


def constant(value: float):
    return lambda points: Deformation(torch.full_like(points, value), torch.full_like(points[:, 0], value))


def at(name: str) -> float:
    return float(facial_weight(LANDMARKS)(LANDMARKS[name][None])[0])


def test_smoothing_is_the_identity_at_the_mouth_and_keeps_the_lids():
    assert at("mouth_centre") == 1.0
    assert at("eye_left") > 0.99
    lid = LANDMARKS["eye_left"] + torch.tensor([0.0, 0.02, 0.06])
    assert facial_weight(LANDMARKS)(lid[None]) > 0.85


def test_smoothing_stills_throat_and_rim():
    assert at("throat") < 0.4
    corners = torch.tensor([PAPER_BOX.lower, PAPER_BOX.upper])
    assert (facial_weight(LANDMARKS)(corners) < 1e-3).all()


def test_the_weight_does_not_depend_on_which_points_are_asked_together():
    weight, points = facial_weight(LANDMARKS), torch.randn(20, 3) * 0.3
    assert torch.equal(weight(points)[3:4], weight(points[3:4]))


def test_what_fades_is_the_difference_from_rest():
    points = torch.randn(20, 3) * 0.3
    weight = facial_weight(LANDMARKS)
    wrapped = smoothed(weight)(constant(0.25), constant(1.25))(points)
    assert torch.allclose(wrapped.level, 0.25 + weight(points), atol=1e-6)
    same = smoothed(weight)(constant(0.25), constant(0.25))(points)
    assert torch.equal(same.offsets, torch.full((20, 3), 0.25))


def test_a_chin_that_drops_stays_a_chin_and_nothing_beyond_the_rim_moves():
    weight, drop = facial_weight(LANDMARKS), 0.16

    def dropped(points):
        return Deformation(torch.tensor([0.0, drop, 0.0]).expand_as(points), torch.zeros(len(points)))

    chin = LANDMARKS["chin"] - torch.tensor([0.0, drop, 0.0])
    below = torch.tensor([[0.0, -0.29 - y, 0.22] for y in torch.linspace(0.1, 0.5, 81).tolist()])
    wrapped = smoothed(weight)(constant(0.0), dropped)
    assert weight(chin[None]) < 0.7 and wrapped(chin[None]).offsets[0, 1] > 0.95 * drop
    moved = wrapped(below).offsets[:, 1]
    assert (moved[weight(below) == 0] == 0).all() and (weight(below) == 0).any()
    assert (moved[1:] - moved[:-1]).abs().max() < 0.15 * drop  # no tear: five millimetres and more from all to none
