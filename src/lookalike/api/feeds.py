"""Feeds: URLs that collections are kept in step with. Files and folders are for `lookalike sync` on the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from lookalike.administration import FeedBody, JobBody, NewFeed
from lookalike.api.jobs import job_body
from lookalike.api.security import Caller, caller_of
from lookalike.catalog import Catalog, Feed
from lookalike.errors import EntryNotFound, InvalidArgument
from lookalike.images.fetch import shown
from lookalike.syncing import check_feed, is_url

router = APIRouter(tags=["jobs"])

Who = Annotated[Caller, Depends(caller_of)]


@router.post("/collections/{name}/feeds", status_code=201, summary="Keep a collection in step with a URL")
def add_feed(name: str, body: NewFeed, request: Request, caller: Who) -> FeedBody:
    """The first run is due at once, unless runs are by hand only."""
    request.app.state.workspace.get(name)
    if not is_url(body.url):
        raise InvalidArgument("url", shown(body.url), "an http or https URL")
    rules = Feed(name, body.url, body.format or "", body.every, body.remove, body.existing)
    feed = replace(rules, columns=body.columns, who=caller.who)
    check_feed(feed)
    return _body(_catalog(request).feeds.add(feed))


@router.get("/feeds", summary="The feeds")
def list_feeds(request: Request, caller: Who) -> list[FeedBody]:
    """Those of collections that the key may write to, oldest first."""
    return [_body(feed) for feed in _catalog(request).feeds.list() if caller.permits("write", feed.collection)]


@router.post("/feeds/{id}/run", status_code=202, summary="Run a feed now")
def run_feed(id: str, request: Request, response: Response, caller: Who) -> JobBody:  # noqa: A002 - the word of the URL
    """The job's result is the report; one that is under way is the answer."""
    feed = _feed(request, caller, id)
    catalog = _catalog(request)
    job = catalog.jobs.find(catalog.feeds.start(feed.id, "sync", who=caller.who))
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_body(job)


@router.delete("/feeds/{id}", status_code=204, summary="Forget a feed")
def remove_feed(id: str, request: Request, caller: Who) -> Response:  # noqa: A002
    """The records that it brought stay."""
    _catalog(request).feeds.remove(_feed(request, caller, id).id, who=caller.who)
    return Response(status_code=204)


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.workspace.catalog
    return catalog


def _feed(request: Request, caller: Caller, id_: str) -> Feed:
    feed = _catalog(request).feeds.find(id_)
    if not caller.permits("write", feed.collection):
        raise EntryNotFound("feed", id_)
    return feed


def _body(feed: Feed) -> FeedBody:
    return FeedBody(
        id=feed.id,
        collection=feed.collection,
        source=shown(feed.source),
        format=feed.form,
        every=feed.every,
        remove=feed.remove,
        existing=feed.existing,
        created=feed.created,
        next_run=feed.next_run,
        last_job=feed.last_job,
        who=feed.who,
    )
