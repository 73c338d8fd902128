"""What each route of the API is for: the scope that it needs, and what the audit log calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from lookalike.catalog import Scope

__all__ = ["Rule", "rule_of", "template_of"]

_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True, slots=True)
class Rule:
    """scope: what a key needs. action: as in `AuditEntry`; "" for what changes nothing or is logged elsewhere."""

    scope: Scope
    action: str = ""


_QUESTIONS: Final = {
    *("compare", "files", "describe", "group", "search", "rank", "count", "facets", "sample", "scroll"),
    *("check", "duplicates"),
}
"""Last words of routes that are asked with POST, because a picture or a filter is no URL."""

_COLLECTION: Final = "/v1/collections/{name}"

_CHANGES: Final = {
    ("POST", "/v1/collections"): Rule("admin", "collection.create"),
    ("PATCH", _COLLECTION): Rule("admin", "collection.configure"),
    ("DELETE", _COLLECTION): Rule("admin", "collection.drop"),
    ("POST", f"{_COLLECTION}/redescribe"): Rule("admin", "collection.redescribe"),
    ("POST", f"{_COLLECTION}/map"): Rule("write", "collection.map"),
    ("POST", f"{_COLLECTION}/import"): Rule("write", "records.import"),
    ("POST", f"{_COLLECTION}/export"): Rule("write", "records.export"),
    ("POST", f"{_COLLECTION}/records"): Rule("write", "records.add"),
    ("PATCH", f"{_COLLECTION}/records"): Rule("write", "records.update"),
    ("DELETE", f"{_COLLECTION}/records/{{id:whole}}"): Rule("write", "records.delete"),
    ("POST", f"{_COLLECTION}/records/delete"): Rule("write", "records.delete"),
    ("GET", f"{_COLLECTION}/removed"): Rule("write"),
    ("POST", f"{_COLLECTION}/removed/{{removal}}/back"): Rule("write", "records.back"),
    ("DELETE", f"{_COLLECTION}/removed/{{removal}}"): Rule("write", "records.forget"),
    ("POST", f"{_COLLECTION}/erase"): Rule("write", "records.erase"),
    ("POST", f"{_COLLECTION}/marks"): Rule("write", "records.mark"),
    ("DELETE", f"{_COLLECTION}/marks/{{id}}"): Rule("write", "records.unmark"),
    # a search in a trial and what comes of it are the business of whoever may search; the catalog logs the others
    ("POST", f"{_COLLECTION}/events"): Rule("read"),
    ("POST", f"{_COLLECTION}/trials"): Rule("admin"),
    ("POST", f"{_COLLECTION}/trials/{{trial}}/promote"): Rule("admin"),
    ("POST", f"{_COLLECTION}/trials/{{trial}}/drop"): Rule("admin"),
    ("DELETE", f"{_COLLECTION}/trials/{{trial}}"): Rule("admin"),
    ("POST", f"{_COLLECTION}/taggers"): Rule("admin", "tagger.train"),
    ("POST", f"{_COLLECTION}/retag"): Rule("write", "records.retag"),
    ("DELETE", "/v1/taggers/{name}"): Rule("admin", "tagger.delete"),
    ("POST", "/v1/backup"): Rule("admin", "workspace.backup"),
    # these ask who made the job or the feed, and the catalog logs what becomes of feeds, keys and users
    ("DELETE", "/v1/jobs/{id}"): Rule("read", "job.cancel"),
    ("POST", f"{_COLLECTION}/feeds"): Rule("write"),
    ("POST", "/v1/feeds/{id}/run"): Rule("read", "feed.run"),
    ("DELETE", "/v1/feeds/{id}"): Rule("read"),
}
_ADMIN: Final = ("/v1/keys", "/v1/users", "/v1/audit")


def rule_of(method: str, template: str) -> Rule:
    """Return the rule of a route, by its method and its path with the names of parameters in braces.

    What is not listed needs read to be read, and write to be changed, and is logged by its method and path. What can't
    be told needs admin.
    """
    if not template or template.startswith(_ADMIN):
        return Rule("admin")
    if (method, template) in _CHANGES:
        return _CHANGES[method, template]
    if method in ("GET", "HEAD") or (method == "POST" and template.rpartition("/")[2] in _QUESTIONS):
        return Rule("read")
    return Rule("write", f"{method.lower()} {template.removeprefix('/v1')}")


def template_of(scope: Any) -> str:
    """Return the path of the route that answers an ASGI scope, its parameters' names in braces; "" for none.

    A route knows the path of its own router only; what stands before it is what it leaves of the request's path.
    """
    route, path = scope.get("route"), str(scope["path"])
    if route is None:
        return ""
    template = str(route.path)
    own = _PARAMETER.sub(lambda name: str(scope["path_params"][name[1]]), template)
    if not path.endswith(own):
        return ""
    return path[: len(path) - len(own)].removeprefix(str(scope.get("root_path", ""))) + template
