import torch

from facetalk.head.rig import CODE_SCALE, RigConfig, RigEncoder, canonical_weights


def test_canonical_pose_is_the_zero_code_and_rest_is_not():
    rig = RigEncoder()
    assert rig(canonical_weights()).norm() < 1e-6
    assert rig.rest.norm() > 0.01
    assert torch.equal(rig(torch.zeros(3, 52)), rig.rest.expand(3, -1))


def test_weights_come_back_from_their_codes():
    rig = RigEncoder()
    weights = torch.rand(5, 52, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(rig.solve(rig(weights)), weights, atol=1e-5)


def test_weights_keep_their_distances_in_code_space():
    rig = RigEncoder(RigConfig(code_size=64, seed=3))
    first, second = torch.rand(2, 52, generator=torch.Generator().manual_seed(2))
    assert torch.allclose((rig(first) - rig(second)).norm(), CODE_SCALE * (first - second).norm(), rtol=1e-5)


def test_the_seed_alone_fixes_the_encoder():
    assert torch.equal(RigEncoder().basis, RigEncoder().basis)
    assert not torch.equal(RigEncoder(RigConfig(seed=1)).basis, RigEncoder().basis)
