"""`facetalk recording clouds`: photographs of a recording become clouds."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tyro.conf import Positional

from facetalk.cli.command import ReportingJob, progress
from facetalk.recording import dense, layout, store
from facetalk.recording.dense import DenseConfig


@dataclass(frozen=True, kw_only=True)
class Clouds(ReportingJob):
    """Make clouds of a recording's photographs by dense stereo, which needs CUDA; or take in what was made elsewhere.

    Goes on where it stopped: frames that have a cloud are left alone.

    Examples:
      facetalk recording clouds recordings/017_read-01
      facetalk recording clouds recordings/017_read-01 --workspaces stereo
    """

    recording: Positional[Path]
    """A recording with images/CAMERA/000000.jpg … of at least two calibrated cameras."""
    workspaces: Path | None = None
    """Keep COLMAP's workspaces here, and take in clouds (fused.ply) or depth that was made in them elsewhere."""
    stereo: DenseConfig = field(default_factory=DenseConfig)

    def run_job(self) -> None:
        """Frame by frame."""
        recording = layout.read(self.recording)
        with tempfile.TemporaryDirectory() as passing:
            out = self.workspaces or Path(passing)
            frames = dense.workspaces(recording, self.stereo, out)
            if self.workspaces is not None and frames:
                text = dense.script(recording, self.stereo)
                store.written(out / "stereo.sh", lambda path: path.write_text(text, "utf-8"))
            with progress("clouds") as watch:
                for done, (frame, folder) in enumerate(frames, 1):
                    if not (folder / dense.FUSED).is_file():
                        if not dense.is_matched(folder):
                            dense.match(recording, folder, self.stereo)
                        dense.fuse(folder)
                    dense.take_in(recording, frame, folder)
                    watch(done, len(frames))
        numbers = [frame for frame, _ in frames]
        self.report({"made": numbers}, [f"{recording.folder}: {len(numbers)} clouds made"])
