"""Every verb: what is asked, and how the answer is read. Nothing is sent from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from lookalike.administration import FailuresBody, JobBody
from lookalike.client import answers
from lookalike.client.records import picture_text
from lookalike.records import Added, DuplicateGroup, Erased, Existing, Matches, Page, Record, Resemblance
from lookalike.wire.collections import CollectionBody
from lookalike.wire.duplicates import GroupsBody
from lookalike.wire.marks import MarkBody, MarksBody
from lookalike.wire.pictures import ComparisonBody, DescriptionsBody, ModelBody
from lookalike.wire.records import FacetBody
from lookalike.wire.removed import DeletedBody, RemovalBody, RemovalsBody
from lookalike.wire.taggers import TaggerBody
from lookalike.wire.trials import ReportBody, TrialBody

__all__ = ["MAX_PAGE", "Call"]

T = TypeVar("T")

MAX_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and what reads its answer (given JSON, or None where there is no body).

    body: JSON values, bytes that are JSON, or the path of a file. repeatable: whether it may be sent again when nobody
    knows whether it arrived, because twice is as good as once.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    body: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True


def compare(a: Any, b: Any, method: str) -> Call[ComparisonBody]:
    body = {"a": picture_text(a), "b": picture_text(b), "method": method}
    return Call("POST", "/v1/compare", ComparisonBody.model_validate, body)


def describe(sources: Sequence[Any], options: Mapping[str, Any]) -> Call[DescriptionsBody]:
    body = {"pictures": [picture_text(source) for source in sources], **options}
    return Call("POST", "/v1/describe", DescriptionsBody.model_validate, body)


def group(sources: Sequence[Any], options: Mapping[str, Any]) -> Call[GroupsBody]:
    body = {"pictures": [picture_text(source) for source in sources], **options}
    return Call("POST", "/v1/group", GroupsBody.model_validate, body)


def models() -> Call[list[ModelBody]]:
    return Call("GET", "/v1/models", lambda found: [ModelBody.model_validate(one) for one in found])


def collections() -> Call[list[CollectionBody]]:
    return Call("GET", "/v1/collections", lambda found: [CollectionBody.model_validate(one) for one in found])


def create(name: str, settings: Mapping[str, Any]) -> Call[CollectionBody]:
    body = {"name": name, **settings}
    return Call("POST", "/v1/collections", CollectionBody.model_validate, body, repeatable=False)


def info(name: str) -> Call[CollectionBody]:
    return Call("GET", _path(name), CollectionBody.model_validate)


def configure(name: str, settings: Mapping[str, Any]) -> Call[CollectionBody]:
    return Call("PATCH", _path(name), CollectionBody.model_validate, dict(settings))


def drop(name: str) -> Call[None]:
    return Call("DELETE", _path(name), answers.nothing, repeatable=False)


def add(name: str, body: bytes, existing: Existing) -> Call[Added]:
    params = {"existing": existing}
    return Call("POST", _path(name, "records"), answers.added, body, params, repeatable=existing != "refuse")


def update(name: str, records: Sequence[Mapping[str, Any]], *, replace: bool) -> Call[Added]:
    body = {"records": [dict(record) for record in records]}
    return Call("PATCH", _path(name, "records"), answers.added, body, {"replace": replace})


def get(name: str, ids: Sequence[str]) -> Call[list[Record | None]]:
    def read(found: Any) -> list[Record | None]:
        there = {record.id: record for record in answers.page(found).records}
        return [there.get(id_) for id_ in ids]

    body = {"where": {"_id": {"$in": list(ids)}}, "limit": MAX_PAGE}
    return Call("POST", _path(name, "scroll"), read, body)


def delete(name: str, ids: Sequence[str] | None, where: Mapping[str, Any] | None) -> Call[int]:
    return Call("POST", _path(name, "records/delete"), lambda found: int(found["deleted"]), _chosen(ids, where))


def remove(name: str, ids: Sequence[str] | None, where: Mapping[str, Any] | None) -> Call[DeletedBody]:
    # sent twice, the second answer would know of nothing kept
    body = {**_chosen(ids, where), "keep": True}
    return Call("POST", _path(name, "records/delete"), DeletedBody.model_validate, body, repeatable=False)


def removals(name: str) -> Call[list[RemovalBody]]:
    return Call("GET", _path(name, "removed"), lambda found: RemovalsBody.model_validate(found).removals)


def bring_back(name: str, removal: str) -> Call[Added]:
    return Call("POST", _path(name, f"removed/{quote(removal, safe='')}/back"), answers.added, repeatable=False)


def forget(name: str, removal: str) -> Call[None]:
    return Call("DELETE", _path(name, f"removed/{quote(removal, safe='')}"), answers.nothing, repeatable=False)


def erase(name: str, ids: Sequence[str] | None, where: Mapping[str, Any] | None) -> Call[Erased]:
    # sent twice, the second receipt would call everything missing
    return Call("POST", _path(name, "erase"), lambda found: Erased(**found), _chosen(ids, where), repeatable=False)


def count(name: str, where: Mapping[str, Any] | None) -> Call[int]:
    return Call("POST", _path(name, "count"), lambda found: int(found["count"]), where)


def facets(
    name: str, fields: Sequence[str], where: Mapping[str, Any] | None, limit: int
) -> Call[dict[str, list[FacetBody]]]:
    def read(found: Any) -> dict[str, list[FacetBody]]:
        return {field: [FacetBody.model_validate(one) for one in values] for field, values in found.items()}

    return Call("POST", _path(name, "facets"), read, {"fields": list(fields), "where": where, "limit": limit})


def sample(name: str, size: int, where: Mapping[str, Any] | None, seed: int | None) -> Call[list[Record]]:
    def read(found: Any) -> list[Record]:
        return [answers.record(one) for one in found["records"]]

    return Call("POST", _path(name, "sample"), read, {"size": size, "where": where, "seed": seed})


def scroll(name: str, where: Mapping[str, Any] | None, after: str | None, limit: int) -> Call[Page]:
    body = {"where": where, "after": after, "limit": limit}
    return Call("POST", _path(name, "scroll"), answers.page, body)


def search(name: str, question: Mapping[str, Any]) -> Call[Matches]:
    return Call("POST", _path(name, "search"), answers.matches, _asked(question))


def rank(name: str, records: Sequence[Any], question: Mapping[str, Any]) -> Call[Matches]:
    given = [record if isinstance(record, str) else _with_text(record, "_image", "_base64") for record in records]
    return Call("POST", _path(name, "rank"), answers.matches, {**_asked(question), "records": given})


def check(name: str, image: Any, k: int, where: Mapping[str, Any] | None, *, verify: bool) -> Call[list[Resemblance]]:
    body = {"image": picture_text(image), "k": k, "where": where, "verify": verify}
    return Call("POST", _path(name, "check"), answers.resemblances, body)


def duplicates(name: str, rules: Mapping[str, Any]) -> Call[list[DuplicateGroup]]:
    return Call("POST", _path(name, "duplicates"), answers.duplicate_groups, dict(rules))


def marks(name: str) -> Call[list[MarkBody]]:
    return Call("GET", _path(name, "marks"), lambda found: MarksBody.model_validate(found).marks)


def mark(name: str, verdict: str, members: Sequence[str], note: str) -> Call[MarkBody]:
    body = {"verdict": verdict, "members": list(members), "note": note}
    return Call("POST", _path(name, "marks"), MarkBody.model_validate, body)


def unmark(name: str, mark: int) -> Call[None]:
    return Call("DELETE", _path(name, f"marks/{mark}"), answers.nothing, repeatable=False)


def trials(name: str) -> Call[list[TrialBody]]:
    return Call("GET", _path(name, "trials"), lambda found: [TrialBody.model_validate(one) for one in found])


def start_trial(name: str, trial: str, options: Mapping[str, Any]) -> Call[TrialBody]:
    body = {"name": trial, **options}
    return Call("POST", _path(name, "trials"), TrialBody.model_validate, body, repeatable=False)


def trial_report(name: str, trial: str) -> Call[ReportBody]:
    return Call("GET", _trial_path(name, trial), ReportBody.model_validate)


def promote_trial(name: str, trial: str, variant: str) -> Call[TrialBody | JobBody]:
    body = {"variant": variant}
    return Call("POST", _trial_path(name, trial, "/promote"), answers.promoted, body, repeatable=False)


def drop_trial(name: str, trial: str) -> Call[TrialBody]:
    return Call("POST", _trial_path(name, trial, "/drop"), TrialBody.model_validate, repeatable=False)


def forget_trial(name: str, trial: str) -> Call[None]:
    return Call("DELETE", _trial_path(name, trial), answers.nothing, repeatable=False)


def log_event(name: str, impression: str, record: str, event: str) -> Call[bool]:
    body = {"impression": impression, "record": record, "event": event}
    return Call("POST", _path(name, "events"), lambda found: bool(found["counted"]), body)


def taggers() -> Call[list[TaggerBody]]:
    return Call("GET", "/v1/taggers", lambda found: [TaggerBody.model_validate(one) for one in found])


def delete_tagger(name: str) -> Call[None]:
    return Call("DELETE", f"/v1/taggers/{quote(name, safe='')}", answers.nothing, repeatable=False)


def begin_import(name: str, path: Path, options: Mapping[str, Any]) -> Call[JobBody]:
    form, zipped = path.name.removesuffix(".gz").rpartition(".")[2], path.name.endswith(".gz")
    headers = {"Content-Encoding": "gzip"} if zipped else {}
    return Call(
        "POST",
        _path(name, "import"),
        JobBody.model_validate,
        path,
        {"format": form, **options},
        headers,
        repeatable=False,
    )


def begin(name: str, kind: str, body: Mapping[str, Any]) -> Call[JobBody]:
    return Call("POST", _path(name, kind), JobBody.model_validate, dict(body), repeatable=False)


def backup(name: str, *, force: bool) -> Call[JobBody]:
    return Call("POST", "/v1/backup", JobBody.model_validate, {"name": name, "force": force}, repeatable=False)


def jobs(filters: Mapping[str, Any]) -> Call[list[JobBody]]:
    given = {name: value for name, value in filters.items() if value is not None}
    return Call("GET", "/v1/jobs", lambda found: [JobBody.model_validate(one) for one in found], params=given)


def job(id_: str) -> Call[JobBody]:
    return Call("GET", f"/v1/jobs/{quote(id_, safe='')}", JobBody.model_validate)


def job_errors(id_: str, after: int, limit: int) -> Call[FailuresBody]:
    params = {"after": after, "limit": limit}
    return Call("GET", f"/v1/jobs/{quote(id_, safe='')}/errors", answers.job_failures, params=params)


def end_job(id_: str) -> Call[JobBody | None]:
    def read(found: Any) -> JobBody | None:
        return None if found is None else JobBody.model_validate(found)

    return Call("DELETE", f"/v1/jobs/{quote(id_, safe='')}", read, repeatable=False)


def _path(name: str, verb: str = "") -> str:
    return f"/v1/collections/{quote(name, safe='')}" + (f"/{verb}" if verb else "")


def _trial_path(name: str, trial: str, verb: str = "") -> str:
    return f"{_path(name, 'trials')}/{quote(trial, safe='')}{verb}"


def _chosen(ids: Sequence[str] | None, where: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"ids": None if ids is None else list(ids), "where": where}


def _asked(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return a question as it travels: pictures as text, NumPy vectors as lists."""
    asked = _with_text(question, "image", "image")
    if "like" in asked:
        asked["like"] = [_with_text(example, "image", "image") for example in asked["like"]]
    return asked


def _with_text(given: Mapping[str, Any], picture: str, name: str) -> dict[str, Any]:
    found = {key: value for key, value in given.items() if key != picture}
    if given.get(picture) is not None:
        found[name] = picture_text(given[picture])
    return found
