"""The training loop: resumable to the bit on one machine when the schedule counts steps."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.errors import SourceNotFound
from lookalike.training.batches import Batch, Batches
from lookalike.training.data import TRAIN, VALIDATION, Pictures, Pixels, load
from lookalike.training.losses import Objective, Whitening
from lookalike.training.network import Network
from lookalike.training.recipe import Recipe, SchedulePart
from lookalike.training.shards import Shards
from lookalike.training.teacher import Teacher, Views
from lookalike.training.validation import copies_found, recalls

__all__ = ["Run", "describer", "learning_rate", "prepare"]

CHECKPOINT = "checkpoint.pt"
# part of the recipe, not of the machine: normalization sees a shard, so that another number gives other weights
SHARDS = 2


def prepare(recipe: Recipe, data: Path, cache: Path, threads: int) -> tuple[Pictures, list[Views], Teacher, int]:
    """Decode the pictures and have the teacher describe two views at least; return how many views are complete."""
    pictures = load(recipe, data, cache)
    teacher = Teacher(data / recipe.teacher.model)
    views = [Views(one, recipe.teacher, recipe.seed, cache) for one in pictures.sets]
    for view in range(min(2, recipe.teacher.views)):
        for one in views:
            one.make(view, teacher, threads)
    complete = 0
    while complete < recipe.teacher.views and all(one.path(complete).exists() for one in views):
        complete += 1
    return pictures, views, teacher, complete


class Run:
    """One training run and its folder: checkpoint.pt, log.jsonl."""

    def __init__(self, recipe: Recipe, data: Path, cache: Path, out: Path, device: str = "auto") -> None:
        self.recipe, self.out = recipe, out
        self.device = torch.device(_device(device))
        self.pictures, views, teacher, count = prepare(recipe, data, cache, SHARDS)
        self.views = count
        self.batches = Batches(recipe, self.pictures, views, count)
        self._scale = teacher.scale
        torch.manual_seed(recipe.seed)
        self.network = _network(recipe, self.device)
        sample = _sample(self.pictures, views, teacher.scale)
        self.objective = Objective(
            recipe.loss,
            recipe.network,
            {name: len(classes) for name, classes in self.pictures.vocabularies.items()},
            teacher.answers,
            Whitening(sample, recipe.network.meaning),
        ).to(self.device)
        self.averaged = _network(recipe, self.device)
        self.averaged.load_state_dict(self.network.state_dict())
        self.averaged.requires_grad_(False)
        self.optimizer = _optimizer([self.network, self.objective], recipe.schedule)
        self.step, self.seconds = 0, 0.0
        out.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Take up the checkpoint in the run's folder. Raises SourceNotFound where there is none."""
        path = self.out / CHECKPOINT
        if not path.is_file():
            raise SourceNotFound(str(path))
        state = torch.load(path, map_location=self.device, weights_only=True)
        for name in ("network", "averaged", "objective", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.seconds = state["step"], state["seconds"]

    def start_from(self, path: Path) -> None:
        """Begin with the averaged weights of another run's checkpoint, wherever names and shapes agree.

        Its schedule and its optimizer are not taken over. Raises SourceNotFound where there is no such file.
        """
        if not path.is_file():
            raise SourceNotFound(str(path))
        state = torch.load(path, map_location=self.device, weights_only=True)
        for module, given in (
            (self.network, state["averaged"]),
            (self.averaged, state["averaged"]),
            (self.objective, state["objective"]),
        ):
            mine = module.state_dict()
            module.load_state_dict(
                mine | {name: values for name, values in given.items() if _fits(mine.get(name), values)}
            )

    def train(self, until: int | None = None) -> None:
        """Train to the end of the schedule, or to step `until`, with checkpoints and figures on the way."""
        report, began, saved = self.recipe.report, time.monotonic(), self.seconds
        before, first, seen = self.seconds, self.step, 0
        sums: dict[str, float] = defaultdict(float)
        # made here, so that every shard starts from the statistics of a resumed checkpoint
        self._shards = Shards(self.network, SHARDS if self.device.type == "cpu" else 1)
        self._log({"start": self.step, "views": self.views})
        for batch in self.batches.follow(self.step):
            if self.progress >= 1 or self.step == until:
                break
            for name, value in self._update(batch).items():
                sums[name] += value
            self.step, seen = self.step + 1, seen + 1
            self.seconds = before + time.monotonic() - began
            if self.step % 100 == 0:
                speed = (self.step - first) * self.recipe.student.batch / (self.seconds - before)
                self._log(self._where(batch) | {"pictures_s": speed} | {k: v / seen for k, v in sums.items()})
                seen = 0
                sums.clear()
            if self.seconds - saved >= 60 * report.checkpoint_minutes:
                self.save()
                self._log(self._where(batch) | self.figures())
                saved = self.seconds = before + time.monotonic() - began
        self._shards.close()
        self.save()

    @property
    def progress(self) -> float:
        """The share of the schedule that is done, 0 to 1."""
        schedule = self.recipe.schedule
        if schedule.steps is not None:
            return self.step / schedule.steps
        return self.seconds / (60 * schedule.minutes)

    def save(self) -> None:
        """Write the checkpoint aside and put it in place at once."""
        state = {name: getattr(self, name).state_dict() for name in ("network", "averaged", "objective", "optimizer")}
        aside = self.out / f"{CHECKPOINT}.part"
        torch.save(state | {"step": self.step, "seconds": self.seconds}, aside)
        aside.replace(self.out / CHECKPOINT)

    def figures(self) -> dict[str, Any]:
        """Measure the averaged weights on the validation pictures."""
        describe, side = describer(self.averaged), self.recipe.student.side
        found = recalls(self.pictures, VALIDATION, describe, side, self.recipe.report.pictures_per_set)
        return {
            "recall@1": sum(found.values()) / max(1, len(found)),
            "copies": copies_found(self.pictures, VALIDATION, describe, side, 20),
            "sets": found,
        }

    def _update(self, batch: Batch) -> dict[str, float]:
        rate = learning_rate(self.progress, self.recipe.schedule)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        pixels = torch.from_numpy(batch.pixels).to(self.device)
        features = torch.from_numpy(batch.features).to(self.device).float() * self._scale
        labels = {name: torch.from_numpy(numbers).to(self.device) for name, numbers in batch.labels.items()}
        copied = torch.from_numpy(batch.copied).to(self.device)
        originals = pixels[: len(pixels) - len(copied) if self.recipe.loss.memory else 0]
        keys = self._shards.copy_vectors(self.averaged, originals)
        terms: dict[str, Tensor] = self.objective(self._shards.forward(pixels), copied, keys, features, labels)
        loss = torch.stack(list(terms.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._shards.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self._shards.agree()
        self._average()
        measured = {"loss": loss, "norm": norm} | terms
        return {name: value.item() for name, value in measured.items()}

    @torch.no_grad()
    def _average(self) -> None:
        # early on, the average follows closely: 1,000 half-trained steps would spoil it
        decay = min(self.recipe.schedule.average, (1 + self.step) / (10 + self.step))
        mine, theirs = self.averaged.state_dict(), self.network.state_dict()
        floats = [name for name, value in mine.items() if value.is_floating_point()]
        torch._foreach_lerp_([mine[name] for name in floats], [theirs[name] for name in floats], 1 - decay)

    def _where(self, batch: Batch) -> dict[str, Any]:
        return {
            "step": self.step,
            "minutes": self.seconds / 60,
            "epochs": batch.epochs,
            "rate": self.optimizer.param_groups[0]["lr"],
        }

    def _log(self, entry: dict[str, Any]) -> None:
        def short(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: short(inner) for name, inner in value.items()}
            return float(f"{value:.5g}") if isinstance(value, float) else value

        with (self.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(short(entry)) + "\n")


def learning_rate(progress: float, schedule: SchedulePart) -> float:
    """Return the rate at a share of the schedule: a linear warm-up, then half a cosine."""
    if progress < schedule.warmup:
        return schedule.rate * max(progress, 1e-4) / schedule.warmup
    share = min(1.0, (progress - schedule.warmup) / (1 - schedule.warmup))
    return schedule.final_rate + (schedule.rate - schedule.final_rate) * (1 + math.cos(math.pi * share)) / 2


def describer(network: Network) -> Callable[[Pixels], tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return a function from pixels (n, side, side, 3) to the meaning and copy rows."""
    device = next(network.parameters()).device

    @torch.no_grad()
    def describe(pixels: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        training = network.training
        network.eval()
        parts = []
        for start in range(0, len(pixels), 128):
            with torch.autocast(device.type, torch.bfloat16):
                outputs = network(torch.from_numpy(pixels[start : start + 128]).to(device))
            parts.append((outputs.meaning.float().cpu().numpy(), outputs.copy.float().cpu().numpy()))
        network.train(training)
        meaning, copy = zip(*parts, strict=True)
        return np.concatenate(meaning), np.concatenate(copy)

    return describe


def _network(recipe: Recipe, device: torch.device) -> Network:
    network: Any = Network(recipe.network)
    placed: Network = network.to(device, memory_format=torch.channels_last)
    return placed


def _fits(mine: Tensor | None, given: Tensor) -> bool:
    return mine is not None and mine.shape == given.shape


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _sample(pictures: Pictures, views: list[Views], scale: float) -> NDArray[np.float32]:
    # every third training picture is plenty for means and components
    rows = [one.load(0)[inside.rows(TRAIN)[::3]] for one, inside in zip(views, pictures.sets, strict=True)]
    return np.concatenate(rows).astype(np.float32) * scale


def _optimizer(modules: list[nn.Module], schedule: SchedulePart) -> torch.optim.Optimizer:
    weights = [entry for module in modules for entry in module.parameters()]
    groups = [
        {"params": [entry for entry in weights if entry.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [entry for entry in weights if entry.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.99))
