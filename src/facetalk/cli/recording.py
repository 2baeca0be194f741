"""`facetalk recording …`: recordings of people become training data."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from facetalk.cli.command import ReportingJob, progress
from facetalk.errors import InputError
from facetalk.recording import check, layout


@dataclass(frozen=True, kw_only=True)
class Check(ReportingJob):
    """Name everything that is wrong with a recording; exit code 2 where it cannot be used.

    Example:
      facetalk recording check recordings/017_read-01
    """

    recording: Positional[Path]
    """A folder with recording.json, sound and a file for each frame (docs/recordings.md)."""

    def run_job(self) -> None:
        """Look at sound, cameras and every frame."""
        recording = layout.read(self.recording)
        with progress("frames") as watch:
            found = check.check(recording, watch)
        about = recording.about
        good = about.frames - len(found.bad_frames)
        head = f"{recording.folder}: {good} of {about.frames} frames good, {about.rate} a second, {found.seconds:.2f} s"
        self.report(found.json(), [head, *(fault.line for fault in found.faults)])
        if not found.usable:
            fatal = next(fault for fault in found.faults if fault.fatal)
            raise InputError(f"{recording.folder}: cannot be used: {fault_words(fatal)}")


def fault_words(fault: check.Fault) -> str:
    """A fault in one clause."""
    return f"{fault.kind}, {fault.says}"
