"""Random ARKit weights for training a head: single shapes, speaking mouths, emotion, gaze and blinks, asymmetric.

Combinations that no face makes (a mouth drawn left and right at once) are left out. A purpose says which expressions
a set is for: `draw` makes all of them, few with the jaw beyond what speech needs; `wide` makes yawns and laughter;
`small` makes lips that part by little, are bitten or pushed forward, and lids on their way. Of sources whose tongue
comes out, some of them show it (`with_tongue`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.data.coarticulation import arkit_weights
from facetalk.data.style import Style
from facetalk.data.visemes import TARGETS, VISEMES, target

EXCLUSIVE = (
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    ("eyeLookUpLeft", "eyeLookDownLeft"),
    ("eyeLookInLeft", "eyeLookOutLeft"),
)
TONGUE_JAW = 0.35
"""Least jawOpen for each unit of tongueOut."""
MOUTH = {
    "jawOpen": 0.5,
    "mouthFunnel": 0.7,
    "mouthPucker": 0.8,
    "mouthRollLower": 0.5,
    "mouthRollUpper": 0.4,
    "mouthShrugLower": 0.4,
    "mouthShrugUpper": 0.4,
    "mouthPress": 0.5,
    "mouthStretch": 0.4,
    "mouthLowerDown": 0.6,
    "mouthUpperUp": 0.5,
    "mouthSmile": 0.5,
    "mouthDimple": 0.3,
    "mouthFrown": 0.3,
    "jawForward": 0.2,
}
"""Largest weights of the shapes of a mouth, mixed freely; paired shapes take both sides."""
MOODS = {
    "joy": {"mouthSmile": 1.0, "cheekSquint": 0.8, "eyeSquint": 0.4, "browInnerUp": 0.3, "jawOpen": 0.3},
    "sadness": {"mouthFrown": 1.0, "browInnerUp": 0.9, "mouthShrugLower": 0.4, "eyeBlink": 0.3},
    "anger": {"browDown": 1.0, "noseSneer": 0.8, "mouthPress": 0.6, "eyeSquint": 0.5, "jawForward": 0.3},
    "surprise": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0, "jawOpen": 0.8},
    "disgust": {"noseSneer": 1.0, "mouthUpperUp": 0.8, "browDown": 0.5, "mouthFrown": 0.4},
    "puff": {"cheekPuff": 1.0, "mouthPucker": 0.4, "mouthPress": 0.3},
}
WIDE_JAW = (0.4, 1.0)
"""Range of jawOpen of a wide mouth: from where speech ends."""
WIDE_ALONE = 0.35
"""How often a wide jaw comes without another shape of the mouth."""
WITH_WIDE = {
    "mouthSmile": 0.8,
    "mouthFunnel": 0.7,
    "mouthPucker": 0.7,
    "mouthStretch": 0.7,
    "mouthLowerDown": 0.7,
    "mouthUpperUp": 0.7,
    "mouthFrown": 0.5,
    "jawForward": 0.3,
    "jawLeft": 0.4,
    "jawRight": 0.4,
}
"""Largest weights of what goes with a wide jaw."""
WIDE_CLOSING = 0.2
"""How often lips are drawn together over a wide jaw, by a share of it."""
SMALL = {
    "part": {"jawOpen": (0.02, 0.25)},
    "bite": {"jawOpen": (0.02, 0.16), "mouthRollLower": (0.2, 0.6), "mouthUpperUp": (0.05, 0.45)},
    "push": {"jawOpen": (0.0, 0.12), "mouthPucker": (0.2, 1.0), "mouthFunnel": (0.0, 0.4)},
    "round": {"jawOpen": (0.1, 0.4), "mouthPucker": (0.1, 0.6), "mouthFunnel": (0.2, 0.8)},
    "show": {"jawOpen": (0.0, 0.12), "mouthUpperUp": (0.0, 0.5), "mouthLowerDown": (0.1, 0.6)},
}
"""Lips that part by little: ranges of weights, each kind as often as the others."""
SMALL_SINGLE = 0.4
"""How often nothing but these moves the mouth."""
HALF_SHUT = 0.6
"""How often lids are on their way."""
SMILING = {"jawOpen": (0.0, 0.2), "mouthSmile": (0.3, 1.0), "mouthUpperUp": (0.0, 0.4), "mouthLowerDown": (0.0, 0.4)}
"""A smile with lips parted by little, as people smile who talk: ranges of weights."""
TONGUES = 0.12
"""How often a tongue is shown on sources that have one that comes out."""
OUT = (0.15, 1.0)
"""Range of tongueOut where it is shown."""
WITH_TONGUE = {"mouthSmile": 0.5, "mouthStretch": 0.4, "mouthLowerDown": 0.6, "mouthUpperUp": 0.5, "mouthFrown": 0.3}
"""Largest weights of what goes with a tongue."""


def draw(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """One random expression of any kind."""
    kind = random.choice(["rest", "single", "speech", "mouth", "mood"], p=[0.03, 0.17, 0.35, 0.27, 0.18])
    weights = np.zeros(len(ARKIT_NAMES))
    if kind == "single":
        # mouthClose alone means nothing: it undoes jawOpen.
        names = [name for name in ARKIT_NAMES if name != "mouthClose"]
        weights[ARKIT_INDEX[str(random.choice(names))]] = random.choice([1.0, random.uniform()])
    if kind == "speech":
        weights = _speaking(random)
    if kind == "mouth":
        _add(weights, MOUTH, random, share=0.45)
    if kind == "mood":
        _add(weights, MOODS[str(random.choice(list(MOODS)))], random, share=0.9)
        _add(weights, MOUTH, random, share=0.15)
    if kind != "rest":
        _look(weights, random)
    return _possible(weights, random)


def wide(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """One random expression with the jaw wide open, alone or with a few companions."""
    weights = np.zeros(len(ARKIT_NAMES))
    jaw = weights[ARKIT_INDEX["jawOpen"]] = random.uniform(*WIDE_JAW)
    if random.uniform() > WIDE_ALONE:
        _add(weights, WITH_WIDE, random, share=0.25)
    if random.uniform() < WIDE_CLOSING:
        weights[ARKIT_INDEX["mouthClose"]] = jaw * random.uniform()
    _look(weights, random)
    return _consistent(weights)


def small(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """One random expression in which lips or lids are a little open, or pushed forward."""
    weights = np.zeros(len(ARKIT_NAMES))
    if random.uniform() > SMALL_SINGLE:
        _add(weights, MOUTH, random, share=0.12)
    return _parted(weights, SMALL[str(random.choice(list(SMALL)))], random)


def smiling(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """One random smile with lips parted by little, cheeks raised or not."""
    weights = np.zeros(len(ARKIT_NAMES))
    _add(weights, {"cheekSquint": 0.8, "mouthDimple": 0.4}, random, share=0.5)
    return _parted(weights, SMILING, random)


def _parted(
    weights: Float[np.ndarray, "52"], ranges: Mapping[str, tuple[float, float]], random: np.random.Generator
) -> Float[np.ndarray, "52"]:
    """`weights` with the mouth drawn from ranges, a look, and lids on their way more often than not."""
    for name, (least, most) in ranges.items():
        for each in _sides(name):
            weights[ARKIT_INDEX[each]] = random.uniform(least, most)
    _look(weights, random)
    if random.uniform() < HALF_SHUT:
        weights[[ARKIT_INDEX[each] for each in _sides("eyeBlink")]] = random.uniform(0.1, 0.95)
    return _consistent(weights)


def tongue(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """One random expression with the tongue out, wholly in one of three, and few other shapes of the mouth."""
    weights = np.zeros(len(ARKIT_NAMES))
    out = 1.0 if random.uniform() < 1 / 3 else random.uniform(*OUT)
    weights[ARKIT_INDEX["tongueOut"]] = out
    weights[ARKIT_INDEX["jawOpen"]] = random.uniform(TONGUE_JAW * out, 0.75)
    _add(weights, WITH_TONGUE, random, share=0.2)
    _look(weights, random)
    return _possible(weights, random)


Draw = Callable[[np.random.Generator], Float[np.ndarray, "52"]]


def with_tongue(draw: Draw) -> Draw:
    """Expressions as `draw` makes them, a share `TONGUES` of them replaced by ones with the tongue out."""
    return lambda random: tongue(random) if random.uniform() < TONGUES else draw(random)


PURPOSES: Mapping[str, Draw] = {"all": draw, "wide": wide, "small": small, "smiling": smiling}
"""What the expressions of a set are for, and what draws them."""


def _speaking(random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """A mouth between two sounds, loosely or clearly spoken; lips shut or lip on teeth as often as in speech, or more.

    Brows move a little, as they do when people talk.
    """
    symbols = [str(symbol) for symbol in random.choice(list(VISEMES), 2)]
    share, gain = random.uniform(), random.uniform(0.5, 1.6)
    blend = gain * (share * target(symbols[0]) + (1 - share) * target(symbols[1]))
    seal, bite = random.choice([[0, 0], [1, 0], [0, 1]], p=[0.55, 0.3, 0.15]) * random.choice([1.0, random.uniform()])
    lips = {name: blend[None, index] for index, name in enumerate(TARGETS)}
    style = replace(Style(), asymmetry=random.normal(0, 0.1))
    weights = arkit_weights(lips, np.array([seal]), np.array([bite]), style)[0]
    for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight", "browDownLeft", "browDownRight"):
        weights[ARKIT_INDEX[name]] += max(0.0, random.normal(-0.1, 0.2))
    return np.clip(weights, 0, 1)


def _add(weights: np.ndarray, ranges: dict[str, float], random: np.random.Generator, *, share: float) -> None:
    """Add each shape with probability `share`, weakly more often than strongly."""
    for name, most in ranges.items():
        if random.uniform() > share:
            continue
        amount = most * random.beta(1.2, 1.8)
        names = _sides(name)
        lean = np.clip(1 + random.normal(0, 0.2, len(names)), 0, 1.3)
        for each, factor in zip(names, lean, strict=True):
            weights[ARKIT_INDEX[each]] = np.clip(weights[ARKIT_INDEX[each]] + amount * factor, 0, 1)


def _sides(name: str) -> list[str]:
    """Names of a shape: its own, or those of both sides."""
    return [name] if name in ARKIT_INDEX else [f"{name}Left", f"{name}Right"]


def _look(weights: np.ndarray, random: np.random.Generator) -> None:
    """Both eyes towards one point, and a blink now and then."""
    if random.uniform() < 0.6:
        across, up = random.normal(0, 0.35), random.normal(0, 0.3)
        out, into = ("Left", "Right") if across > 0 else ("Right", "Left")
        weights[ARKIT_INDEX[f"eyeLookOut{out}"]] = weights[ARKIT_INDEX[f"eyeLookIn{into}"]] = min(abs(across), 1)
        for side in ("Left", "Right"):
            weights[ARKIT_INDEX[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"]] = min(abs(up), 1)
    if random.uniform() < 0.45:
        amount = random.choice([1.0, random.uniform()])
        for side in ("Left", "Right"):
            weights[ARKIT_INDEX[f"eyeBlink{side}"]] = np.clip(amount + random.normal(0, 0.03), 0, 1)


def _possible(weights: np.ndarray, random: np.random.Generator) -> Float[np.ndarray, "52"]:
    """Resolve contradictions; draw mouthClose within jawOpen, fully closed as often as not."""
    weights = _consistent(weights)
    jaw, closed = weights[ARKIT_INDEX["jawOpen"]], weights[ARKIT_INDEX["mouthClose"]]
    if jaw > 0 and closed == 0 and random.uniform() < 0.35:
        closed = jaw * random.choice([1.0, random.uniform()])
    weights[ARKIT_INDEX["mouthClose"]] = min(closed, jaw)
    tongue = weights[ARKIT_INDEX["tongueOut"]]
    if tongue > 0:
        # It comes out between the lips, not through them.
        weights[ARKIT_INDEX["jawOpen"]] = max(weights[ARKIT_INDEX["jawOpen"]], TONGUE_JAW * tongue)
        weights[ARKIT_INDEX["mouthClose"]] = 0.0
    return weights


def _consistent(weights: Float[np.ndarray, "52"]) -> Float[np.ndarray, "52"]:
    """Of two shapes that no face makes at once the stronger alone; no wide eyes behind closed lids."""
    for one, other in EXCLUSIVE:
        weaker = min((one, other), key=lambda name: weights[ARKIT_INDEX[name]])
        weights[ARKIT_INDEX[weaker]] = 0.0
    blink = np.maximum(weights[[ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]], 0)
    for side, closed in zip(("Left", "Right"), blink, strict=True):
        weights[ARKIT_INDEX[f"eyeWide{side}"]] *= 1 - closed
    return weights
