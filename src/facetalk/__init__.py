"""Speech in, a talking 3D head out."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from facetalk.pipeline.talker import Talker


def load(
    weights: "Path | str | None" = None, *, device: str = "auto", head: "Path | str | None" = None,
    encoder: str | None = None,
) -> "Talker":  # fmt: skip
    """The bundled talker, or that of another weights folder; each model is read when it is first needed.

    Args:
        weights: a folder with head.safetensors, speech.safetensors and motion.safetensors.
        device: "auto", "cpu", "cuda" …
        head: another head than the folder's, such as an imported one: its file or folder.
        encoder: another speech encoder than the folder's, the one its motion was trained on: a file, a folder, or a
            name on the hub.

    Raises:
        InputError: the device is not available.
    """
    # Imported here, so that `import facetalk` costs nothing.
    from pathlib import Path

    from facetalk.device import pick
    from facetalk.export import save
    from facetalk.pipeline.talker import Talker
    from facetalk.pipeline.weights import BUNDLED, Weights

    return Talker(
        Weights(BUNDLED if weights is None else Path(weights), pick(device), encoder, head and Path(head)), save
    )
