"""Promoting a trial's variant as a job, where it is another collection, whose records have to be copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lookalike.catalog import Catalog, Job
from lookalike.errors import InvalidArgument
from lookalike.jobs import Task
from lookalike.trials import promoted_variant
from lookalike.workspace import Workspace

__all__ = ["begin_promotion", "promote", "promotion_of"]

_LOOKED: Final = 100  # jobs of a collection, the newest, among which that of a trial is looked for


def begin_promotion(catalog: Catalog, collection: str, name: str, variant: str, *, who: str = "") -> Job | None:
    """Queue the promotion of a variant that is another collection; None where `Trials.promote` has nothing to copy.

    One that is under way is returned as it is. Raises TrialOver, EntryNotFound; InvalidArgument also while the trial's
    other variant is being promoted.
    """
    trial = catalog.trials.find(collection, name)
    if promoted_variant(trial, variant).collection is None:
        return None
    under_way = promotion_of(catalog, collection, name)
    if under_way is None or under_way.is_over:
        spec = {"trial": name, "variant": variant, "id": trial.id}
        return catalog.jobs.add("promote", spec, collection=collection, who=who)
    if under_way.spec["variant"] != variant:
        told = f"{under_way.spec['variant']}, which is being promoted by the job {under_way.id}; cancel that one first"
        raise InvalidArgument("variant", variant, told)
    return under_way


def promotion_of(catalog: Catalog, collection: str, name: str) -> Job | None:
    """Return the newest job that promotes, or promoted, a variant of a trial."""
    trial = catalog.trials.find(collection, name)
    found = catalog.jobs.page(collection=collection, limit=_LOOKED)
    return next((job for job in found if job.kind == "promote" and job.spec["id"] == trial.id), None)


def promote(space: Workspace, task: Task) -> Mapping[str, Any]:
    """Do a job of kind "promote"; begun anew after a crash. spec: trial, variant; id: of the trial."""
    collection, name, variant = str(task.collection), task.spec["trial"], task.spec["variant"]
    trial = space.trials.find(collection, name)
    if (trial.id, trial.state, trial.promoted) != (task.spec["id"], "promoted", variant):  # or a run before did it
        task.expect(len(space.get(collection)))
        space.trials.promote(collection, name, variant, who=task.who, progress=task.advance)
    return {"trial": name, "variant": variant}
