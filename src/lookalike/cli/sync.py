"""`lookalike sync add|list|run|remove`: collections kept in step with files, folders and URLs."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from lookalike.cli.common import WorkspaceOption, opened
from lookalike.cli.keys import catalog_of
from lookalike.cli.output import Format, FormatOption, note, print_json, print_rows
from lookalike.errors import CollectionNotFound, InvalidArgument, WorkspaceLocked

if TYPE_CHECKING:
    from lookalike.catalog import Job
    from lookalike.records import Existing

app = typer.Typer(
    help="Keep collections in step with files, folders and URLs.\n\n"
    "Example: `lookalike sync add holidays ~/Pictures --every 1h`",
    no_args_is_help=True,
)

_SPAN = re.compile(r"(\d{1,6})([smhd])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@app.command(
    "add",
    help="Keep a collection in step with a feed: JSON lines, a JSON array, CSV or Parquet by path or URL, or a folder "
    "of pictures.\n\nRuns while `lookalike serve` runs, or by `lookalike sync run`.\n\n"
    "Example: `lookalike sync add shop https://shop.example/products.jsonl --every 1h --remove`",
)
def add(
    collection: str = typer.Argument(..., help="The collection, which must exist."),
    source: str = typer.Argument(..., help="A file, a folder, or an http(s) URL."),
    every: str = typer.Option(None, "--every", help="A span: 30s, 15m, 1h, 1d. [default: by hand only]"),
    remove: bool = typer.Option(False, "--remove", help="Remove records that the feed brought and has no more."),
    existing: str = typer.Option("merge", "--existing", help="Records that are there: merge, replace or skip."),
    form: str = typer.Option("", "--file-format", help="jsonl, json, csv or parquet, if the name doesn't tell."),
    workspace: Path = WorkspaceOption,
) -> None:
    """Keep a collection in step with a feed."""
    from lookalike.catalog import Feed
    from lookalike.syncing import check_feed, is_url

    if existing not in ("merge", "replace", "skip"):
        raise InvalidArgument("--existing", existing, "merge, replace or skip")
    place = source if is_url(source) else str(Path(source).expanduser().absolute())
    feed = Feed(collection, place, form, _seconds(every), remove, cast("Existing", existing))
    check_feed(feed)
    with catalog_of(workspace) as catalog:
        if catalog.collections.find(collection) is None:
            raise CollectionNotFound(collection, [info.name for info in catalog.collections.list()])
        made = catalog.feeds.add(feed)
    typer.echo(f"{made.id} keeps {collection} in step. Run it now with `lookalike sync run {made.id}`.")


@app.command("list", help="List the feeds.\n\nExample: `lookalike sync list --format json`")
def list_(workspace: Path = WorkspaceOption, form: Format = FormatOption) -> None:
    """List the feeds."""
    with catalog_of(workspace) as catalog:
        rows = [
            {
                "id": feed.id,
                "collection": feed.collection,
                "source": feed.source,
                "every": feed.every,
                "remove": feed.remove,
                "existing": feed.existing,
                "next_run": feed.next_run,
                "last_job": feed.last_job,
            }
            for feed in catalog.feeds.list()
        ]
    print_rows(rows, form)


@app.command("run", help="Run a feed now and print its report.\n\nExample: `lookalike sync run feed_0a1b2c`")
def run(
    id: str = typer.Argument(..., help="Its id, as `lookalike sync list` shows it."),  # noqa: A002
    workspace: Path = WorkspaceOption,
) -> None:
    """Run a feed now: here, or in the service that holds the workspace."""
    from lookalike.work import Background

    with catalog_of(workspace) as catalog:
        job_id = catalog.feeds.start(id, "sync")
        try:
            with opened(workspace) as space, Background(space, ["sync"], scheduled=False) as background:
                job = background.runner.wait(job_id)
        except WorkspaceLocked as held:
            note(f"The workspace is in use by {held.holder}: if that is a service, it does the job {job_id} now.")
            while not (job := catalog.jobs.find(job_id)).is_over:
                time.sleep(0.5)
        failures = catalog.jobs.failures(job_id, limit=20).failures
    for failure in failures:
        note(f"not taken: {failure.source}: {failure.reason}")
    _report(job)


@app.command("remove", help="Forget a feed; its records stay.\n\nExample: `lookalike sync remove feed_0a1b2c`")
def remove(
    id: str = typer.Argument(..., help="Its id, as `lookalike sync list` shows it."),  # noqa: A002
    workspace: Path = WorkspaceOption,
) -> None:
    """Forget a feed; its records stay."""
    with catalog_of(workspace) as catalog:
        feed = catalog.feeds.remove(id)
    typer.echo(f"{feed.collection} no longer follows {feed.source}.")


def _report(job: Job) -> None:
    print_json({"job": job.id, "state": job.state, **job.result, **({"error": job.error} if job.error else {})})
    if job.state != "done":
        raise typer.Exit(1)


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    span = _SPAN.match(text)
    if span is None:
        raise InvalidArgument("--every", text, "a span like 30s, 15m, 1h or 1d")
    return int(span[1]) * _SECONDS[span[2]]
