"""The parts of the denoiser: attention that looks back only, one audio frame for each video frame, FiLM.

Knows tensors and nothing of speech, heads or diffusion.
"""

import math

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

LONGEST_PERIOD = 10_000.0
"""Longest wavelength of sinusoidal and rotary encodings (Vaswani et al. 2017; Su et al. 2021)."""


def look_back_mask(queries: int, past: int, look_back: int, device: torch.device) -> Bool[Tensor, "query key"]:
    """True where a frame may look: at itself and the `look_back` − 1 frames before it, never ahead.

    The keys are `past` remembered frames followed by the `queries` frames themselves.
    """
    distance = torch.arange(queries, device=device)[:, None] - torch.arange(-past, queries, device=device)
    return (distance >= 0) & (distance < look_back)


def rotate(values: Float[Tensor, "*batch frame channel"], first: int) -> Float[Tensor, "*batch frame channel"]:
    """Rotary position encoding (Su et al. 2021): products of rotated vectors depend on the distance alone.

    Args:
        values: queries or keys of one head; an even number of channels.
        first: position of the first frame, negative for remembered ones.
    """
    frames, half = values.shape[-2], values.shape[-1] // 2
    position = torch.arange(first, first + frames, device=values.device, dtype=torch.float32)
    rate = LONGEST_PERIOD ** (-torch.arange(half, device=values.device, dtype=torch.float32) / half)
    angle = position[:, None] * rate
    cosine, sine = angle.cos().to(values.dtype), angle.sin().to(values.dtype)
    left, right = values[..., :half], values[..., half:]
    return torch.cat([left * cosine - right * sine, left * sine + right * cosine], -1)


class LookBackAttention(nn.Module):
    """Causal self-attention over a limited past; positions are relative, so any length works."""

    def __init__(self, width: int, heads: int, look_back: int):
        super().__init__()
        self.heads = heads
        self.look_back = look_back
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, frames: Float[Tensor, "batch frame width"], remembered: Float[Tensor, "batch past both"] | None
    ) -> tuple[Float[Tensor, "batch frame width"], Float[Tensor, "batch kept both"]]:
        """Attend to the past.

        Args:
            frames: consecutive frames.
            remembered: what an earlier call returned for the frames just before, or None at the beginning.

        Returns:
            The attended frames, and the keys and values of the last `look_back` − 1 frames for the next call.
        """
        key_value = self.key_value(frames)
        if remembered is not None:
            key_value = torch.cat([remembered.to(key_value.dtype), key_value], 1)
        past = key_value.shape[1] - frames.shape[1]
        query = rotate(rearrange(self.query(frames), "b f (h c) -> b h f c", h=self.heads), 0)
        key, value = rearrange(key_value, "b f (two h c) -> two b h f c", two=2, h=self.heads)
        mask = look_back_mask(frames.shape[1], past, self.look_back, frames.device)
        mixed = functional.scaled_dot_product_attention(query, rotate(key, -past), value, attn_mask=mask)
        kept = key_value[:, max(0, key_value.shape[1] - self.look_back + 1) :]
        return self.out(rearrange(mixed, "b h f c -> b f (h c)")), kept


class DiagonalCrossAttention(nn.Module):
    """Cross-attention under the paper's Kronecker mask: frame i sees audio frame i and no other (§4).

    A softmax over a single key is one whatever the query, so queries and keys would never be read: what is left of
    multi-head attention, exactly, is the value map followed by the output map.
    """

    def __init__(self, width: int):
        super().__init__()
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, speech: Float[Tensor, "batch frame width"]) -> Float[Tensor, "batch frame width"]:
        """What each video frame receives from its own audio frame."""
        return self.out(self.value(speech))


class FeedForward(nn.Sequential):
    """Two layers on each frame by itself."""

    def __init__(self, width: int, hidden: int, dropout: float):
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width))


class Film(nn.Module):
    """Feature-wise scale and shift by the diffusion time, one layer (Perez et al. 2018); starts as the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.scale_shift = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.scale_shift.weight)
        nn.init.zeros_(self.scale_shift.bias)

    def forward(
        self, frames: Float[Tensor, "batch frame width"], time: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch frame width"]:
        """Frames, scaled and shifted alike."""
        scale, shift = rearrange(self.scale_shift(time), "b (two w) -> two b 1 w", two=2)
        return frames * (1 + scale) + shift


class TimeEmbedding(nn.Sequential):
    """Diffusion time as sinusoids through a 3-layer MLP."""

    def __init__(self, width: int):
        super().__init__(
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.width = width

    def forward(self, time: Int[Tensor, " batch"]) -> Float[Tensor, "batch width"]:
        """One vector for each time 0..T−1."""
        half = self.width // 2
        rate = torch.exp(-math.log(LONGEST_PERIOD) * torch.arange(half, device=time.device) / half)
        angle = time[:, None] * rate
        return super().forward(torch.cat([angle.sin(), angle.cos()], -1))
