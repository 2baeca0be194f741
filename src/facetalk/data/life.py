"""What a living face does beside speaking: blinks, gaze shifts, brows on accents, a slow affect.

It is drawn from a seed, not from the sound, except that blinks gather at pauses and brows rise on pitch accents.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from facetalk.arkit import ARKIT_INDEX
from facetalk.data.segments import Segment
from facetalk.data.style import Style


@dataclass(frozen=True)
class LifeConfig:
    """Times in seconds, angles in degrees."""

    blink_closing: float = 0.09
    blink_shut: float = 0.036
    """A frame of the 30 fps grid always sees the lids shut."""
    blink_opening: float = 0.19
    """Lids fall in about 75–100 ms and rise in about 200 (VanderWerf et al. 2003)."""
    blink_rest: float = 0.7
    """Least time between two blinks."""
    blink_at_pause: float = 0.4
    """Chance that a pause draws a blink (Nakano and Kitazawa 2010)."""
    fixation: float = 1.3
    """Median time between gaze shifts while speaking to someone."""
    gaze_spread: tuple[float, float] = (5.0, 3.0)
    """Standard deviation of gaze across and up."""
    gaze_home: float = 0.55
    """Chance that a shift returns to the listener."""
    degrees_per_weight: float = 30.0
    """Turn of the eyeball at an eyeLook weight of one."""
    brow_chance: float = 0.4
    brow_lead: float = 0.06
    """Brows start ahead of the accent (Flecha-García 2010)."""
    brow_rise: float = 0.17
    brow_fall: float = 0.35
    affect_seconds: float = 5.0
    """Time over which affect forgets itself."""


def live(
    segments: Sequence[Segment],
    accents: Float[np.ndarray, " accent"],
    style: Style,
    times: Float[np.ndarray, " frame"],
    generator: np.random.Generator,
    config: LifeConfig = LifeConfig(),
) -> Float[np.ndarray, "frame 52"]:
    """Weights of eyes, brows and affect, to be added to those of the mouth.

    Args:
        segments: the clip's segments; pauses attract blinks.
        accents: times of pitch accents, seconds.
        style: rate of blinks and expressiveness.
        times: seconds.
        generator: all chance comes from here.
        config: rates and shapes.
    """
    pauses = np.array([item.start for item in segments if item.is_silent and item.end - item.start > 0.2])
    shifts, angles = gaze_shifts(float(times[-1]), style, generator, config)
    weights = np.zeros((len(times), len(ARKIT_INDEX)))
    _put_gaze(weights, gaze(shifts, angles, times), config)
    _put_lids(weights, blink_times(pauses, float(times[-1]), style, generator, config), times, generator, config)
    _put_brows(weights, accents, style, times, generator, config)
    _put_affect(weights, affect(times, generator, config), style)
    return weights


def blink_times(
    pauses: Float[np.ndarray, " pause"],
    duration: float,
    style: Style,
    generator: np.random.Generator,
    config: LifeConfig,
) -> Float[np.ndarray, " blink"]:
    """When blinks begin: a gamma renewal process, drawn to pauses, never closer than `blink_rest`."""
    mean = 60 / style.blinks_per_minute
    steps = generator.gamma(2.0, mean / 2, size=int(4 * duration / mean) + 8)
    free = np.cumsum(steps) - generator.uniform(0, mean)
    drawn = pauses[generator.random(len(pauses)) < config.blink_at_pause] + generator.uniform(0, 0.2)
    kept: list[float] = []
    for time in sorted([*free[(free > 0) & (free < duration)], *drawn]):
        if not kept or time - kept[-1] > max(config.blink_rest, 0.35 * mean):
            kept.append(float(time))
    return np.array(kept)


def blink(time: Float[np.ndarray, " frame"], config: LifeConfig) -> Float[np.ndarray, " frame"]:
    """How shut the lids are, `time` seconds after a blink began: a fast fall, a slow rise."""
    opening = time - config.blink_closing - config.blink_shut
    shut = np.minimum(time / config.blink_closing, 1 - opening / config.blink_opening)
    return _smooth(shut)


def gaze_shifts(
    duration: float, style: Style, generator: np.random.Generator, config: LifeConfig
) -> tuple[Float[np.ndarray, " shift"], Float[np.ndarray, "shift 2"]]:
    """When the eyes move, and where to, in degrees (to the subject's left, up)."""
    count = int(6 * duration / config.fixation) + 8
    times = np.cumsum(config.fixation * np.exp(generator.normal(0.0, 0.6, count)))
    angles = generator.normal(size=(count, 2)) * config.gaze_spread * (0.6 + 0.4 * style.expressiveness)
    home = generator.random(count) < config.gaze_home
    angles[home] = generator.normal(0.0, 0.7, size=(int(home.sum()), 2))
    inside = times < duration
    return np.concatenate([[-1.0], times[inside]]), np.clip(np.concatenate([[[0.0, 0.0]], angles[inside]]), -16, 16)


def gaze(
    shifts: Float[np.ndarray, " shift"], angles: Float[np.ndarray, "shift 2"], times: Float[np.ndarray, " frame"]
) -> Float[np.ndarray, "frame 2"]:
    """Gaze in degrees: fixations joined by saccades of the main sequence, 21 ms + 2.2 ms a degree (Carpenter 1988)."""
    position = np.repeat(angles[:1], len(times), axis=0)
    for time, before, after in zip(shifts[1:], angles[:-1], angles[1:], strict=True):
        duration = 0.021 + 0.0022 * float(np.linalg.norm(after - before))
        position += _smooth((times - time) / duration)[:, None] * (after - before)
    return position


def accents(
    pitch_times: Float[np.ndarray, " step"], octaves: Float[np.ndarray, " step"], segments: Sequence[Segment]
) -> Float[np.ndarray, " accent"]:
    """Middles of primary stressed vowels whose pitch stands at least two semitones above the clip's median."""
    if np.isnan(octaves).all():
        return np.zeros(0)
    median = np.nanmedian(octaves)
    found = []
    for item in segments:
        voice = octaves[(pitch_times >= item.start) & (pitch_times <= item.end)]
        voice = voice[~np.isnan(voice)]
        if item.stress == 2 and len(voice) and np.median(voice) > median + 2 / 12:
            found.append((item.start + item.end) / 2)
    return np.array(found)


def affect(
    times: Float[np.ndarray, " frame"], generator: np.random.Generator, config: LifeConfig
) -> Float[np.ndarray, " frame"]:
    """A slow Ornstein–Uhlenbeck valence of about unit variance, smoothed."""
    step = float(np.diff(times).mean()) if len(times) > 1 else 1 / 30
    keep = np.exp(-step / config.affect_seconds)
    noise = generator.normal(size=len(times)) * np.sqrt(1 - keep**2)
    value = np.empty(len(times))
    value[0] = generator.normal()
    for index in range(1, len(times)):
        value[index] = keep * value[index - 1] + noise[index]
    return gaussian_filter1d(value, 0.4 / step)


def _smooth(share: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0.0, 1.0))


def _put(weights: Float[np.ndarray, "frame 52"], name: str, values: Float[np.ndarray, " frame"]) -> None:
    weights[:, ARKIT_INDEX[name]] += values


def _put_gaze(
    weights: Float[np.ndarray, "frame 52"], degrees: Float[np.ndarray, "frame 2"], config: LifeConfig
) -> None:
    """Both eyes together; the lids follow because the eyeLook shapes carry them."""
    left, up = np.maximum(degrees, 0).T / config.degrees_per_weight
    right, down = np.maximum(-degrees, 0).T / config.degrees_per_weight
    for side, outward, inward in (("Left", left, right), ("Right", right, left)):
        _put(weights, f"eyeLookOut{side}", outward)
        _put(weights, f"eyeLookIn{side}", inward)
        _put(weights, f"eyeLookUp{side}", up)
        _put(weights, f"eyeLookDown{side}", down)


def _put_lids(
    weights: Float[np.ndarray, "frame 52"],
    starts: Float[np.ndarray, " blink"],
    times: Float[np.ndarray, " frame"],
    generator: np.random.Generator,
    config: LifeConfig,
) -> None:
    shut = np.zeros(len(times))
    for start in starts:
        depth = 1.0 if generator.random() < 0.85 else generator.uniform(0.55, 0.9)  # some blinks stay incomplete
        shut = np.maximum(shut, depth * blink(times - start, config))
    for side in ("Left", "Right"):
        _put(weights, f"eyeBlink{side}", shut)


def _put_brows(
    weights: Float[np.ndarray, "frame 52"],
    at: Float[np.ndarray, " accent"],
    style: Style,
    times: Float[np.ndarray, " frame"],
    generator: np.random.Generator,
    config: LifeConfig,
) -> None:
    raised, knitted = np.zeros(len(times)), np.zeros(len(times))
    for accent in at[generator.random(len(at)) < config.brow_chance * style.expressiveness]:
        since = times - accent + config.brow_lead
        bump = _smooth(np.minimum(since / config.brow_rise + 1, 1 - since / config.brow_fall))
        height = generator.uniform(0.15, 0.45) * style.expressiveness * bump
        if generator.random() < 0.8:
            raised = np.maximum(raised, height)
        else:
            knitted = np.maximum(knitted, 0.6 * height)
    _put(weights, "browInnerUp", 0.9 * raised)
    for side, share in (("Left", 1 + style.asymmetry), ("Right", 1 - style.asymmetry)):
        _put(weights, f"browOuterUp{side}", 0.7 * raised * share)
        _put(weights, f"eyeWide{side}", 0.25 * raised * share)
        _put(weights, f"browDown{side}", knitted * share)


def _put_affect(weights: Float[np.ndarray, "frame 52"], valence: Float[np.ndarray, " frame"], style: Style) -> None:
    """Mild: a smile with its cheeks and lids, or a slight frown. None of it parts the lips."""
    glad = np.clip(0.05 + 0.08 * style.expressiveness * valence, 0.0, 0.35)
    sad = np.clip(-0.02 - 0.05 * style.expressiveness * valence, 0.0, 0.2)
    for side, share in (("Left", 1 + style.asymmetry), ("Right", 1 - style.asymmetry)):
        _put(weights, f"mouthSmile{side}", glad * share)
        _put(weights, f"cheekSquint{side}", 0.5 * glad * share)
        _put(weights, f"eyeSquint{side}", 0.4 * glad * share)
        _put(weights, f"mouthFrown{side}", sad * share)
        _put(weights, f"browDown{side}", 0.5 * sad * share)
    _put(weights, "browInnerUp", 0.5 * sad)
