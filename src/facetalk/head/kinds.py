"""The kinds of head there are, and the one door to a file of either.

Both give a state of an identity, canonical and posed distances, deformations and regions; they differ in what they
know besides. The compact head has landmarks and an ARKit rig, the paper's has neither.
"""

from pathlib import Path

from facetalk import checkpoint
from facetalk.errors import InputError
from facetalk.head import model, paper, published
from facetalk.head.model import Head, IdentityState
from facetalk.head.paper import PaperHead, PaperState
from facetalk.head.rig import RigEncoder

AnyHead = Head | PaperHead
AnyState = IdentityState | PaperState


def load(path: Path | str) -> AnyHead:
    """The head in a file, of whichever kind.

    Raises:
        CheckpointError: the file is missing or does not hold a head.
    """
    return published.load(path) if checkpoint.kind_of(path) == paper.KIND else model.load(path)


def rig_of(head: AnyHead) -> RigEncoder:
    """The head's ARKit rig.

    Raises:
        InputError: it has none.
    """
    if isinstance(head, PaperHead):
        raise InputError(
            "an imported head has no ARKit rig, so it neither follows ARKit curves nor gives them; "
            "use codes made for it, or the bundled head"
        )
    return head.rig
