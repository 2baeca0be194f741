"""Processes that train together, started as a user starts them."""

import json
import os
import subprocess
import sys

import pytest
import safetensors.torch
import torch

from facetalk.errors import InputError
from facetalk.training import loop, team
from facetalk.training.loop import Plan

SCRIPT = '''
import sys
from pathlib import Path

import torch

from facetalk.training import loop, team

STEPS = int(sys.argv[2])


class Fit:
    """A line through noisy points; `other` has a gradient in the second process alone, `unused` in none."""

    def __init__(self):
        self.line, self.other = (torch.zeros(3, requires_grad=True) for _ in "ab")
        self.unused = torch.ones(3, requires_grad=True)
        self.optimiser = torch.optim.AdamW([self.line, self.other, self.unused], 0.1, weight_decay=0.1)

    def step(self, index, generator):
        drawn = torch.randn(4, 3, generator=generator)
        loss = (drawn @ self.line - drawn.sum(1) - 1).square().mean()
        if team.current().place:
            loss = loss + (self.other - 1).square().mean()
        return {"norm": team.descend(loss, self.optimiser, clip=1.0), "drawn": drawn.sum()}

    def state(self):
        named = {"line": self.line, "other": self.other, "unused": self.unused}
        return {**named, **loop.prefixed("o", loop.optimiser_state(self.optimiser))}

    def restore(self, state):
        for name in ("line", "other", "unused"):
            getattr(self, name).data.copy_(state[name])
        loop.restore_optimiser(self.optimiser, loop.part(state, "o"))


task, folder = Fit(), Path(sys.argv[1])
if team.current().place:
    task.line.data.fill_(9.0)  # has to begin where the first does all the same
loop.run(task, loop.Plan(6, seed=1, log_every=1, save_every=2, stop_after=STEPS, minutes=9.0), folder, {})
torch.save(task.line.detach(), folder.with_suffix(f".{team.current().place}.pt"))
'''


def launched(script, *arguments, processes=2) -> None:
    """Run a script as a team on the CPU."""
    command = (sys.executable, "-m", "torch.distributed.run", "--standalone")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment = {**inherited, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = [*command, f"--nproc-per-node={processes}", script, *map(str, arguments)]
    done = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]


def by_hand(steps: int) -> torch.Tensor:
    """The same fit by one process that draws both batches."""
    line, other = (torch.zeros(3, requires_grad=True) for _ in "ab")
    optimiser = torch.optim.AdamW([line, other], 0.1, weight_decay=0.1)
    for step in range(steps):
        drawn = [torch.randn(4, 3, generator=loop._seeded(1, step, place)) for place in (0, 1)]
        first, second = ((each @ line - each.sum(1) - 1).square().mean() for each in drawn)
        loss = (first + second + (other - 1).square().mean()) / 2
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([line, other], 1.0)
        optimiser.step()
    return line.detach()


def test_a_team_takes_the_steps_of_one_process_that_draws_all_batches(tmp_path):
    pytest.importorskip("accelerate")
    script = tmp_path / "fit.py"
    script.write_text(SCRIPT)
    launched(script, tmp_path / "whole", 6)
    launched(script, tmp_path / "parts", 3)
    launched(script, tmp_path / "parts", 6)
    first, second = (torch.load(tmp_path / f"whole.{place}.pt") for place in (0, 1))
    assert torch.equal(first, second)
    assert torch.allclose(first, by_hand(6), atol=1e-6)
    assert not torch.allclose(first, by_hand(5), atol=1e-3)
    whole, parts = (safetensors.torch.load_file(tmp_path / name / loop.STATE_FILE) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)
    assert torch.equal(whole["unused"], torch.ones(3)) and whole["other"].all()
    log = [json.loads(line) for line in (tmp_path / "whole" / loop.LOG_FILE).read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    drawn = [torch.randn(4, 3, generator=loop._seeded(1, 0, place)).sum() for place in (0, 1)]
    assert log[0]["drawn"] == pytest.approx(float(torch.stack(drawn).mean()), abs=1e-5)


def test_one_process_is_a_team_that_shares_nothing():
    alone, numbers = team.Alone(), torch.arange(3.0)
    assert (alone.size, alone.place) == (1, 0)
    assert alone.mean(numbers) is numbers and alone.of_first(numbers) is numbers
    assert isinstance(team.current(), team.Alone)


def test_a_launcher_without_accelerate_is_refused_in_one_line(monkeypatch):
    monkeypatch.setenv(team.SIZE, "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    team.current.cache_clear()
    try:
        with pytest.raises(InputError, match=r"^WORLD_SIZE is 2, .*pip install 'facetalk\[accelerate\]'"):
            team.current()
    finally:
        team.current.cache_clear()


def test_processes_draw_other_numbers_and_the_first_the_same_as_alone():
    drawn = [torch.randn(4, generator=loop._seeded(3, 7, place)) for place in (0, 1, 2)]
    assert not torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[1], drawn[2])
    alone = torch.randn(4, generator=torch.Generator().manual_seed(3 * loop.SEED_STRIDE + 7))
    assert torch.equal(drawn[0], alone)


def test_a_plan_counts_minutes_of_this_call():
    assert loop._in_time(0.0, float("inf"), team.Alone())
    assert not loop._in_time(0.0, 0.0, team.Alone())
    assert Plan(3).minutes == float("inf")
