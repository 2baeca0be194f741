"""A clip as ARKit curves in the layout of Live Link Face, for Unreal, Blender and others."""

from pathlib import Path

import numpy as np

from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import Presentation, Watch
from facetalk.pipeline.sway import Sway
from facetalk.rig import livelink
from facetalk.rig.curves import midpoints, resample


def write(clip: Clip, path: Path, presentation: Presentation, watch: Watch) -> None:
    """Solve the rig weights and write them at the view's rate; the sway goes into the head's angles."""
    curves = resample(clip.arkit(), presentation.view.rate)
    take = livelink.still(curves)
    if presentation.view.sway:
        sway = Sway(clip.origin.seed, (0.0, 0.0, 0.0))
        pitch, yaw, roll = np.radians([sway.degrees(time) for time in midpoints(len(curves), curves.rate)]).T
        take.angles[:, :3] = np.stack([yaw, pitch, roll], 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    livelink.write(take, path)
    watch(len(curves), len(curves))
