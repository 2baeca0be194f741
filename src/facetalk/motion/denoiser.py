"""The network that turns noisy motion into clean motion, hearing speech (paper §4).

Works in the normaliser's live space; knows neither codes nor heads nor samplers.
"""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor, nn

from facetalk.motion.layers import DiagonalCrossAttention, FeedForward, Film, LookBackAttention, TimeEmbedding
from facetalk.motion.listener import Listener, Memory


@dataclass(frozen=True)
class DenoiserConfig:
    """Sizes of a `Denoiser`. The paper gives none; `paper` has those of EDGE, the source of its block."""

    live: int
    """Live dimensions of the normalised codes."""
    features: int
    """Size of one speech feature vector."""
    width: int = 256
    heads: int = 4
    depth: int = 6
    hidden: int = 512
    """Inner width of the feed-forward layers."""
    look_back: int = 32
    """Frames that self-attention sees, the present one included; below the 48 of training, so no distance is new."""
    hearing: int = 0
    """Audio frames heard on each side of frame i. 0 is the paper's diagonal mask; more is an addition of ours."""
    dropout: float = 0.0

    @classmethod
    def base(cls, live: int, features: int) -> "DenoiserConfig":
        """The bundled size."""
        return cls(live, features)

    @classmethod
    def paper(cls, live: int, features: int) -> "DenoiserConfig":
        """EDGE's size."""
        return cls(live, features, width=512, heads=8, depth=8, hidden=1024, dropout=0.1)

    @classmethod
    def small(cls, live: int, features: int) -> "DenoiserConfig":
        """For conditions that say nearly everything, as landmarks do."""
        return cls(live, features, width=128, depth=5, hidden=256)

    @classmethod
    def tiny(cls, live: int, features: int) -> "DenoiserConfig":
        """For tests."""
        return cls(live, features, width=32, heads=2, depth=2, hidden=32, look_back=8)


class Block(nn.Module):
    """Causal self-attention → FiLM → diagonal cross-attention → FiLM → feed-forward → FiLM, each added on."""

    def __init__(self, config: DenoiserConfig):
        super().__init__()
        width = config.width
        self.attention_norm = nn.LayerNorm(width)
        self.attention = LookBackAttention(width, config.heads, config.look_back)
        self.attention_film = Film(width)
        self.hearing = DiagonalCrossAttention(width)
        self.hearing_film = Film(width)
        self.forward_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, config.hidden, config.dropout)
        self.forward_film = Film(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        frames: Float[Tensor, "batch frame width"],
        time: Float[Tensor, "batch width"],
        speech: Float[Tensor, "batch frame width"],
        remembered: Tensor | None,
    ) -> tuple[Float[Tensor, "batch frame width"], Tensor]:
        """One block, and what its attention should remember."""
        seen, kept = self.attention(self.attention_norm(frames), remembered)
        frames = frames + self.dropout(self.attention_film(seen, time))
        frames = frames + self.dropout(self.hearing_film(self.receive(frames, speech), time))
        formed = self.feed_forward(self.forward_norm(frames))
        return frames + self.dropout(self.forward_film(formed, time)), kept

    def receive(
        self, frames: Float[Tensor, "batch frame width"], speech: Float[Tensor, "batch frame width"]
    ) -> Float[Tensor, "batch frame width"]:
        """What each frame receives from speech: under the diagonal mask it does not depend on the frame."""
        return self.hearing(speech)


class Denoiser(Listener):
    """Predicts x0 from x_t, the diffusion time and speech."""

    def __init__(self, config: DenoiserConfig):
        super().__init__(config)
        width = config.width
        self.entrance = nn.Linear(config.live, width)
        self.time = TimeEmbedding(width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(width)
        self.exit = nn.Linear(width, config.live)
        nn.init.zeros_(self.exit.weight)  # training starts from the mean pose
        nn.init.zeros_(self.exit.bias)

    def recall(
        self,
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"] | None,
        memory: Memory | None,
    ) -> tuple[Float[Tensor, "batch frame live"], Memory]:
        """x̂0 of a window; the memory is keys and values of the last frames, one tensor for each block."""
        speech = self.heard(speech, noisy)
        embedded = self.time(time)
        frames = self.enter(noisy, embedded)
        kept = []
        for index, block in enumerate(self.blocks):
            frames, remembered = block(frames, embedded, speech, None if memory is None else memory[index])
            kept.append(remembered)
        return self.exit(self.norm(frames)), tuple(kept)

    def enter(
        self, noisy: Float[Tensor, "batch frame live"], time: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch frame width"]:
        """Noisy motion at the blocks' width; the time is the blocks' own matter."""
        return self.entrance(noisy)
