import torch
from made_heads import anchor_directions, landmark_directions

from facetalk.head import cloud, fitting
from facetalk.head.fitting import Cloud, FitConfig, fit, posed_distances
from facetalk.head.model import Head, tiny


def round_head() -> Head:
    torch.manual_seed(3)
    head = Head(tiny())
    anchors, landmarks = (torch.tensor(0.3 * d).float() for d in (anchor_directions(), landmark_directions()))
    head.anatomy.mean.copy_(torch.cat([anchors.flatten(), landmarks.flatten(), torch.full((2,), 0.05)]))
    head.ensemble.fit_windows(anchors)
    head.ensemble.local.last.data *= 10
    return head.eval().requires_grad_(False)


def surface(head: Head, z_id: torch.Tensor, code: torch.Tensor, count: int) -> Cloud:
    """Points of the head's own posed surface, found along their gradients."""
    points = torch.nn.functional.normalize(torch.randn(1, count, 3), dim=-1) * 0.36 + torch.tensor([0.0, 0.06, -0.12])
    normals = points
    for _ in range(12):
        points = points.detach().requires_grad_(True)
        value = posed_distances(head, z_id[None], code[None], points)
        slope = torch.autograd.grad(value.sum(), points)[0]
        normals = torch.nn.functional.normalize(slope, dim=-1)
        points = points - value[..., None].detach() * slope / slope.square().sum(-1, keepdim=True)
    return Cloud(points[0].detach(), normals[0].detach())


def test_codes_fitted_to_a_heads_own_surface_explain_it():
    head = round_head()
    z_id = head.identity(torch.randn(1, 100))[0]
    code = head.rig(torch.rand(1, 52))[0]
    seen = surface(head, z_id, code, 300)
    config = FitConfig(steps=60, points=100)

    def error(z_id, code):
        return posed_distances(head, z_id[None], code[None], seen.points[None]).abs().mean()

    start = error(torch.zeros_like(z_id), head.rest)
    assert error(z_id, code) < 0.1 * start
    fitted = fit(head, [seen], config)
    assert error(fitted.z_id, fitted.codes[0]) < 0.5 * start
    held = fit(head, [seen], config, code[None])
    assert torch.equal(held.codes, code[None])
    assert error(held.z_id, code) < 0.5 * start


def test_air_lies_before_the_cloud_and_near_nothing_of_it():
    around = torch.linspace(0, 2 * torch.pi, 400)
    ring = torch.stack([around.cos(), around.sin(), torch.zeros(400)], 1)
    config, generator = FitConfig(free=0.5, points=40), torch.Generator().manual_seed(0)
    points, far = cloud.air(Cloud(0.3 * ring, ring), config.air_mm, generator)
    assert len(points) == 400
    assert torch.allclose(points.norm(dim=1) - 0.3, far, atol=2e-3)
    narrow = Cloud(0.005 * ring, -ring)  # its middle is 1.25 mm away: nothing in it is 3 mm from everything
    assert len(cloud.air(narrow, config.air_mm, generator)[0]) == 0
    more, wanted = fitting._breathed(torch.zeros(1, 7, 3), torch.zeros(1, 7), [(points, far)], config, generator)
    assert more.shape == (1, 27, 3) and bool((wanted[0, 7:] > 0).all())
    assert len(cloud.air(Cloud(ring, None), config.air_mm, generator)[0]) == 0


def test_what_noise_adds_to_the_distances_from_a_ball_is_its_square_by_the_radius():
    radius, spread, generator = 0.3, 0.02, torch.Generator().manual_seed(0)
    on = radius * torch.nn.functional.normalize(torch.randn(1, 50_000, 3, generator=generator), dim=-1)
    noisy = on + spread * torch.randn(on.shape, generator=generator)

    def ball(points):
        return points.norm(dim=-1) - radius

    added, taken = ball(noisy).mean(), cloud.lift(ball, noisy, spread, generator).mean()
    assert abs(float(added) - spread**2 / radius) < 0.1 * spread**2 / radius
    assert abs(float(taken - added)) < 0.1 * float(added)
