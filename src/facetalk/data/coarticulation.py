"""Segments → mouth weights, after Cohen and Massaro 1993 and JALI (Edwards et al. 2016).

Jaw and lips are separate (JALI's two axes). Each blended channel is the dominance-weighted mean of its neighbours'
targets, F(t) = Σ D_s(t) T_s / Σ D_s(t) with D_s(t) = α_s exp(−(d_s(t)/τ)²), d the time outside the middle of segment s
and τ longer before it than after, so that lips round ahead of a rounded vowel. What must be reached is not blended:
bilabials seal and labiodentals bite by ramps of their own, as JALI's conventions ask. Silence is rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from facetalk.arkit import ARKIT_INDEX
from facetalk.data.segments import BILABIAL, Part, Segment
from facetalk.data.style import Style
from facetalk.data.visemes import TARGETS, target, viseme

STEP_HZ = 120
"""Rate at which the model runs; frames are sampled from it."""


@dataclass(frozen=True)
class CoarticulationConfig:
    """Times in seconds, speeds in weight a second. Fitted to the capture, see `recipes/performances.md`."""

    jaw_lead: float = 0.049
    jaw_trail: float = 0.034
    lip_lead: float = 0.13
    """Rounding is seen 100–200 ms ahead of its vowel (Perkell and Matthies 1992)."""
    lip_trail: float = 0.045
    core: float = 0.02
    """Share of a segment over which its dominance is flat."""
    full_pull_s: float = 0.08
    """A shorter segment insists less on its target: undershoot in fast speech (Lindblom 1963)."""
    smoothing_s: float = 0.0093
    jaw_speed: float = 5.0
    """About 160 mm/s, the upper end of speech (Ostry and Munhall 1985)."""
    seal_ramp_in: float = 0.06
    seal_ramp_out: float = 0.05
    shortest_ramp: float = 0.028
    seal_margin: float = 0.006
    """A closure is heard from half-way in to half-way out; lips are together for so much less at each end."""
    shortest_seal: float = 0.036
    """A frame of the 30 fps grid always falls into a seal this long."""
    onset_lead: float = 0.14
    """The mouth opens this long before the first sound."""
    release: float = 0.17
    """The mouth is at rest this long after the last sound."""
    stress_gain: tuple[float, float, float] = (0.86, 1.0, 1.14)
    """Opening of unstressed, secondary and primary stressed vowels."""
    loudness_gain: float = 0.015
    """Decades of opening per dB over the clip's median vowel."""
    lip_share: float = 0.3
    """Lips answer stress and loudness by this power of the jaw's gain."""
    loudness_range: tuple[float, float] = (0.72, 1.3)


def mouth(
    segments: Sequence[Segment],
    levels: Float[np.ndarray, " segment"],
    style: Style,
    times: Float[np.ndarray, " frame"],
    config: CoarticulationConfig = CoarticulationConfig(),
) -> Float[np.ndarray, "frame 52"]:
    """ARKit weights of jaw and lips at the given times.

    Args:
        segments: the clip's segments, silences included.
        levels: mean level of each segment, dB against the clip's loud parts.
        style: gains and asymmetry of this performance.
        times: seconds.
        config: time constants.
    """
    fine = np.arange(int(times[-1] * STEP_HZ) + 2) / STEP_HZ
    blended = _blend(segments, _targets(segments, levels, style, config), fine, config)
    blended = blended * _gate(segments, fine, config)[:, None]
    blended[:, 0] = speed_limited(blended[:, 0], config.jaw_speed / STEP_HZ)
    blended = np.clip(gaussian_filter1d(blended, config.smoothing_s * STEP_HZ, axis=0), 0.0, 1.0)
    seal = ramps(segments, [viseme(item.symbol).seal * _is_held(item) for item in segments], fine, config)
    bite = ramps(segments, [viseme(item.symbol).bite for item in segments], fine, config)
    weights = arkit_weights(dict(zip(TARGETS, blended.T, strict=True)), seal, bite, style)
    return np.stack([np.interp(times, fine, column) for column in weights.T], axis=1)


def speed_limited(values: Float[np.ndarray, " step"], step: float) -> Float[np.ndarray, " step"]:
    """The highest curve below `values` whose steps are at most `step`: peaks give way, closures stay."""
    limited = values.copy()
    for index in range(1, len(limited)):
        limited[index] = min(limited[index], limited[index - 1] + step)
    for index in range(len(limited) - 2, -1, -1):
        limited[index] = min(limited[index], limited[index + 1] + step)
    return limited


def ramps(
    segments: Sequence[Segment],
    strengths: Sequence[float],
    times: Float[np.ndarray, " step"],
    config: CoarticulationConfig,
) -> Float[np.ndarray, " step"]:
    """Smooth plateaus over segments, each with its height; the highest counts."""
    height = np.zeros_like(times)
    for place, (item, strength) in enumerate(zip(segments, strengths, strict=True)):
        if strength > 0:
            ramp_in = _ramp(segments[place - 1] if place else None, config.seal_ramp_in, config)
            ramp_out = _ramp(segments[place + 1] if place + 1 < len(segments) else None, config.seal_ramp_out, config)
            held = max(item.end - item.start - 2 * config.seal_margin, config.shortest_seal)
            middle, half = (item.start + item.end) / 2, held / 2
            distance = np.maximum((middle - half - times) / ramp_in, (times - middle - half) / ramp_out)
            height = np.maximum(height, strength * (0.5 + 0.5 * np.cos(np.pi * np.clip(distance, 0.0, 1.0))))
    return height


def _ramp(neighbour: Segment | None, longest: float, config: CoarticulationConfig) -> float:
    """Length of a ramp: quicker beside a short vowel, so that its middle still opens."""
    if neighbour is None or not viseme(neighbour.symbol).is_vowel:
        return longest
    return min(longest, max(config.shortest_ramp, 0.5 * (neighbour.end - neighbour.start)))


def _is_held(item: Segment) -> bool:
    return item.part is not Part.BURST


def _targets(
    segments: Sequence[Segment], levels: Float[np.ndarray, " segment"], style: Style, config: CoarticulationConfig
) -> Float[np.ndarray, "segment target"]:
    """Targets of each segment under this style, stress and loudness."""
    targets = np.stack([target(item.symbol) for item in segments])
    is_vowel = np.array([viseme(item.symbol).is_vowel for item in segments])
    stress = np.array([config.stress_gain[item.stress] for item in segments])
    median = np.median(levels[is_vowel]) if is_vowel.any() else 0.0
    loud = np.clip(10 ** (config.loudness_gain * (levels - median)), *config.loudness_range)
    gain = np.where(is_vowel, stress * loud, 1.0)
    targets[:, 0] *= gain * style.articulation * style.jaw
    targets[:, 1:] *= (gain**config.lip_share * style.articulation * style.lips)[:, None]
    return targets


def _blend(
    segments: Sequence[Segment],
    targets: Float[np.ndarray, "segment target"],
    times: Float[np.ndarray, " step"],
    config: CoarticulationConfig,
) -> Float[np.ndarray, "step target"]:
    """Dominance-weighted mean of the targets, jaw and lips with their own dominances."""
    jaw = _dominance(segments, times, config, "jaw_pull", (config.jaw_lead, config.jaw_trail))
    lips = _dominance(segments, times, config, "lip_pull", (config.lip_lead, config.lip_trail))
    return np.concatenate([jaw @ targets[:, :1], lips @ targets[:, 1:]], axis=1)


def _dominance(
    segments: Sequence[Segment],
    times: Float[np.ndarray, " step"],
    config: CoarticulationConfig,
    pull: str,
    reach: tuple[float, float],
) -> Float[np.ndarray, "step segment"]:
    """Share of each segment at each time; rows sum to one."""
    start, end = np.array([item.start for item in segments]), np.array([item.end for item in segments])
    strength = np.array([getattr(viseme(item.symbol), pull) for item in segments])
    strength = strength * np.sqrt(np.minimum((end - start) / config.full_pull_s, 1.0))
    middle, half = (start + end) / 2, (end - start) / 2 * config.core
    early = np.maximum(middle - half - times[:, None], 0.0) / reach[0]
    late = np.maximum(times[:, None] - middle - half, 0.0) / reach[1]
    # The exponent is kept above underflow, so that far from everything the nearest segment still rules.
    dominance = strength * np.exp(-np.minimum((early + late) ** 2, 300.0))
    return dominance / np.maximum(dominance.sum(1, keepdims=True), 1e-300)


def _gate(
    segments: Sequence[Segment], times: Float[np.ndarray, " step"], config: CoarticulationConfig
) -> Float[np.ndarray, " step"]:
    """One in speech, zero in silence, opening ahead of the sound."""
    gate = np.zeros_like(times)
    for item in segments:
        if not item.is_silent:
            before = (item.start - times) / config.onset_lead
            after = (times - item.end) / config.release
            gate = np.maximum(gate, 0.5 + 0.5 * np.cos(np.pi * np.clip(np.maximum(before, after), 0.0, 1.0)))
    return gate


def arkit_weights(
    lips: dict[str, Float[np.ndarray, " step"]],
    seal: Float[np.ndarray, " step"],
    bite: Float[np.ndarray, " step"],
    style: Style,
) -> Float[np.ndarray, "step 52"]:
    """Channels → ARKit weights. mouthClose follows the jaw, never above it; what opens lips gives way to a seal."""
    jaw = lips["jaw"] * (1 - 0.7 * bite) + 0.025 * bite
    free = (1 - seal) * (1 - 0.7 * bite)
    weights = np.zeros((len(jaw), len(ARKIT_INDEX)))

    def put(name: str, values: Float[np.ndarray, " step"]) -> None:
        weights[:, ARKIT_INDEX[name]] = values

    def pair(name: str, values: Float[np.ndarray, " step"]) -> None:
        put(f"{name}Left", values * (1 + style.asymmetry))
        put(f"{name}Right", values * (1 - style.asymmetry))

    put("jawOpen", jaw)
    put("mouthClose", np.maximum(seal, 0.75 * bite) * jaw)
    put("mouthFunnel", lips["funnel"] * free)
    put("mouthPucker", lips["pucker"] * (1 - 0.4 * bite))
    pair("mouthStretch", 0.6 * lips["spread"] * (1 - 0.3 * seal))
    pair("mouthSmile", 0.35 * lips["spread"] * (1 - 0.3 * seal))
    pair("mouthDimple", 0.25 * lips["spread"])
    pair("mouthLowerDown", lips["lower"] * free)
    pair("mouthUpperUp", lips["upper"] * (1 - seal) + 0.13 * bite)
    put("mouthRollLower", lips["tuck"] * (1 - bite) + 0.26 * bite + 0.18 * seal)
    put("mouthRollUpper", 0.08 * seal)
    put("mouthShrugLower", 0.09 * seal)
    pair("mouthPress", 0.22 * seal * (1 - bite))
    return weights


def bilabials(segments: Sequence[Segment]) -> list[Segment]:
    """The segments in which the lips must close: closures of p and b, and m."""
    return [item for item in segments if item.symbol in BILABIAL and _is_held(item)]
