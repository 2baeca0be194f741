"""The words of the command line, each with the class that does its job; imported when it is asked for."""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from facetalk.errors import FacetalkError, InputError

USER_ERROR, INTERRUPTED, UNREAD = 2, 130, 141
"""Exit codes: something the user can mend, Ctrl-C, and a reader such as `head` that has gone."""
EXTRAS = {
    "igl": "train",
    "onnxruntime": "train",
    "matplotlib": "train",
    "anny": "anny",
    "warp": "anny",
    "mediapipe": "landmarks",
    "ray": "ray",
    "pycolmap": "stereo",
}
"""Modules of optional parts → the extra that brings them."""


@dataclass(frozen=True)
class Command:
    """Where a command lives, and what it does in a few words."""

    module: str
    name: str
    summary: str


COMMANDS: dict[str, Command] = {
    "demo": Command("demo", "Demo", "let a head speak a bundled line"),
    "animate": Command("animate", "Animate", "let a head speak your recording, or move as a captured take"),
    "render": Command("render", "Render", "show saved codes again: another face, another camera"),
    "identities": Command("identities", "Identities", "list the named heads, or draw them on one sheet"),
    "doctor": Command("doctor", "Doctor", "say what this machine can run and what is missing"),
    "head train": Command("train", "Head", "train a head"),
    "head evaluate": Command("evaluate", "Head", "measure a head on held-out people and poses"),
    "head import": Command("importing", "Import", "make a published NPHM checkpoint a head for --head"),
    "head show": Command("head", "Show", "draw one face in several poses"),
    "head fit": Command("fit", "Fit", "find a person's head in a scan, to let it speak"),
    "head sample": Command("people", "Sample", "make new people, like somebody, with longer noses"),
    "head mix": Command("people", "Mix", "make people between two others"),
    "head gallery": Command("people", "Gallery", "draw new people from several angles on one sheet"),
    "motion train": Command("train", "Motion", "train the motion model"),
    "motion stamp": Command("train", "Stamp", "give motion weights to a head that was trained on"),
    "speech train": Command("train", "Speech", "train the speech encoder"),
    "record": Command("record", "Record", "record a performance with a virtual rig, the truth apart"),
    "recording check": Command("recording", "Check", "name everything that is wrong with a recording"),
    "recording import": Command("recording", "Import", "make recordings of scans, VOCASET, Multiface, NeRSemble"),
    "recording clouds": Command("stereo", "Clouds", "make clouds of a recording's photographs"),
    "recording fit": Command("recording", "Fit", "fit codes to recordings, for training"),
    "recording compare": Command("recording", "Compare", "fit a virtual recording by several settings, measure them"),
    "data heads": Command("data", "Heads", "make the training set of heads"),
    "data rims": Command("data", "Rims", "make a training set of lips and lids alone"),
    "data performances": Command("data", "Performances", "make the training set of motion"),
    "data hair": Command("data", "Hair", "make the training set of hair"),
    "evaluate clouds": Command("clouds", "Clouds", "fit clouds of held-out people, as NPHM is measured"),
    "data recordings": Command("data", "Recordings", "make the training set of motion from fitted recordings"),
    "evaluate scans": Command("scans", "Scans", "damage scans of held-out people, see whether heads are found"),
    "evaluate people": Command("evaluate_people", "People", "test new people: whole, various, new"),
    "evaluate motion": Command("evaluate", "Motion", "measure speech-driven motion"),
    "evaluate sweep": Command("evaluate", "Sweep", "measure guidance and steps against each other"),
    "evaluate speed": Command("speed", "Speed", "time the exact road beside a dense grid on the same weights"),
    "evaluate mesh": Command("roads", "Mesh", "compare the fast and the tracked road with the exact one"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run(words)
        sys.stdout.flush()
        return code
    except FacetalkError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        return _fail(f"this command needs {error.name}, which is not installed; run: pip install 'facetalk[{extra}]'")
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed goes nowhere
        return UNREAD


def run(words: list[str]) -> int:
    """Find the command of `words`, parse the rest and do it.

    Raises:
        InputError: there is no such command.
    """
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview(COMMANDS))
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"facetalk {version('facetalk')}")
        return 0
    for length in (1, 2):
        name = " ".join(words[:length])
        if name in COMMANDS:
            command = COMMANDS[name]
            job = getattr(importlib.import_module(f"facetalk.cli.{command.module}"), command.name)
            job.parse(words[length:], f"facetalk {name}").run_job()
            return 0
    group = {name: command for name, command in COMMANDS.items() if name.startswith(f"{words[0]} ")}
    if group and (len(words) == 1 or words[1] in ("-h", "--help")):
        print(overview(group))
        return 0
    known = ", ".join(group or COMMANDS)
    raise InputError(f"{' '.join(words[:2])!r} is no command; use one of: {known} (facetalk --help)")


def overview(commands: dict[str, Command]) -> str:
    """One line a command."""
    lines = [f"  facetalk {name:<20}{command.summary}" for name, command in commands.items()]
    return "\n".join(
        [
            "Speech in, a talking 3D head out.\n",
            *lines,
            "\nfacetalk COMMAND --help tells more. First steps:",
            "  facetalk demo",
            "  facetalk animate voice.mp3 -o talk.mp4",
        ]
    )


def _fail(message: str) -> int:
    print(f"facetalk: {' '.join(message.split())}", file=sys.stderr)
    return USER_ERROR


if __name__ == "__main__":
    sys.exit(main())
