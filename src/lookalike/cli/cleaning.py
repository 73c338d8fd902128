"""`lookalike dedup review`, `apply` and `undo`: a plan looked at, carried out, and taken back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lookalike.cli.common import WorkspaceOption, errors_are_one, settings_for
from lookalike.cli.output import Format, FormatOption, counted, note, print_json, progress_bar
from lookalike.cli.planned import on_a_line, show_group, show_plan
from lookalike.errors import FolderError, InvalidArgument, PlanNotFound
from lookalike.units import said_bytes

if TYPE_CHECKING:
    from lookalike.cleaning.plan import Plan
    from lookalike.settings import Settings

__all__ = ["apply_plan", "review_plan", "undo_journal", "writable"]

_PLAN_HELP = "A plan's file, or a folder that was scanned. [default: the last plan]"
_YesOption = typer.Option(False, "--yes", "-y", help="Don't ask; for scripts.")


def review_plan(
    plan: Path = typer.Argument(None, metavar="[PLAN|DIR]", help=_PLAN_HELP),
    group: int = typer.Option(None, "--group", "-g", min=1, help="The group to change, by its number."),
    keep: str = typer.Option(None, "--keep", help="With --group: this file stays, the others go."),
    spare: str = typer.Option(None, "--spare", help="With --group: this file is left alone."),
    keep_all: bool = typer.Option(False, "--keep-all", help="With --group: nothing of it goes."),
    different: bool = typer.Option(
        False, "--different", help="With --group: these are no duplicates, also not in later scans."
    ),
    set_aside: bool = typer.Option(
        False, "--set-aside", help="With --group: a known picture, such as a logo, that never counts."
    ),
    reset: bool = typer.Option(False, "--reset", help="With --group: as the rules alone have it."),
    report: Path = typer.Option(None, "--report", help="Write one HTML file with pictures."),
    browse: bool = typer.Option(
        None,
        "--open/--list",
        help="Review it in the browser, or print it. [default: --open on a terminal of a desktop]",
    ),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    """Show a plan, and change it. Nothing is touched before `apply`.

    On a desktop the plan opens in the browser, with its pictures side by side; everything can be done there, apply and
    undo included. The pages are served to this machine alone, until Ctrl-C or an hour without a visit.

    Example: `lookalike dedup review`, or `lookalike dedup review --group 3 --keep /photos/best.jpg`,
    or `lookalike dedup review --group 4 --different`, or `lookalike dedup review --report duplicates.html`
    """
    from lookalike.cleaning.planfile import read_plan, write_plan
    from lookalike.cleaning.report import write_report
    from lookalike.cli.reviewing import has_display, review_in_browser

    with errors_are_one():
        settings = settings_for(workspace)
        place = _found(plan)
        shown = read_plan(place)
        chosen = [name for name, given in (
            ("keep", keep), ("spare", spare), ("keep-all", keep_all), ("different", different),
            ("set-aside", set_aside), ("reset", reset),
        ) if given]  # fmt: skip
        if len(chosen) > 1 or bool(chosen) != (group is not None):
            raise InvalidArgument("review", ", ".join(chosen) or "--group", "--group with one thing to do to it")
        if group is not None:
            shown = _changed(shown, group, chosen[0], keep or spare or "", settings)
            with writable("the plan"):
                write_plan(shown, place)
        if report is not None:
            with writable("the report"):
                write_report(shown, report, settings=settings)
        told = group is not None or report is not None or form is not Format.table
        if browse or (browse is None and not told and has_display()):
            review_in_browser(place, settings)
        elif group is not None and form is Format.table:
            show_group(group, shown.groups[group - 1])
        else:
            show_plan(shown, place, form, whole=True)


def apply_plan(
    plan: Path = typer.Argument(None, metavar="[PLAN|DIR]", help=_PLAN_HELP),
    action: str = typer.Option(
        None, "--action", "-a", help="trash, quarantine, hardlink or reflink. [default: trash where there is one]"
    ),
    folder: Path = typer.Option(None, "--to", help="With --action quarantine: the folder to move to."),
    merge: bool = typer.Option(False, "--merge-metadata", help="Write what the copies say into the keeper's sidecar."),
    yes: bool = _YesOption,
    form: Format = FormatOption,
) -> None:
    """Do what a plan says, after looking once more that nothing has changed since. All of it can be undone.

    Each file is held against the scan by size, time and SHA-256, and so is the one that stays; what is not as it was
    is refused, with the reason, and the rest goes on. Exit code 1 if anything was refused.

    Example: `lookalike dedup apply`, or `lookalike dedup apply --action quarantine --to ~/duplicates --yes`
    """
    from lookalike.cleaning.applying import apply
    from lookalike.cleaning.disposal import Disposal, default_action
    from lookalike.cleaning.planfile import plans_folder, read_plan

    with errors_are_one():
        place = _found(plan)
        wanted = read_plan(place)
        chosen = Disposal(action or default_action(), str(folder.expanduser().absolute()) if folder else "")  # type: ignore[arg-type]
        if not wanted.files_removed:
            if form is Format.table:
                typer.echo("Nothing to do: no file of the plan is to go.")
            else:
                print_json({"journal": None, "removed": [], "refused": [], "sidecars": [], "already": 0})
            return
        _ask(
            f"{counted(wanted.files_removed, 'file')} ({said_bytes(wanted.bytes_freed)}) "
            f"in {counted(len(wanted.groups), 'group')}: "
            f"{_DOES[chosen.action]}. `lookalike dedup undo` brings them back. Go on?",
            yes,
        )
        with _telling_how_to_go_on("apply"), progress_bar("cleaning up", wanted.files_removed) as advance:
            done = apply(wanted, chosen, merge=merge, folder=plans_folder(), progress=_steps(advance))
    for one in done.refused:
        note(on_a_line(f"not touched: {one.path}: {one.reason}"))
    if form is not Format.table:
        print_json(
            {
                "journal": str(done.journal),
                "removed": [{"path": one.path, "target": one.target, "bytes": one.size} for one in done.done],
                "refused": [{"path": one.path, "reason": one.reason} for one in done.refused],
                "sidecars": done.sidecars,
                "already": done.already,
            }
        )
    elif done.nothing_left:
        typer.echo(f"Nothing to do: {counted(done.already, 'file')} went before.")
    else:
        went = f"{counted(len(done.done), 'file')} went ({said_bytes(done.size)})"
        typer.echo(f"{went}, {len(done.refused):,} not touched.")
        if done.done:
            typer.echo("`lookalike dedup undo` brings them back.")
    if done.refused:
        raise typer.Exit(1)


def undo_journal(
    plan: Path = typer.Argument(
        None,
        metavar="[PLAN|JOURNAL|DIR]",
        help="A plan's file, a journal's, or a folder that was scanned. [default: what was done last]",
    ),
    yes: bool = _YesOption,
    form: Format = FormatOption,
) -> None:
    """Bring back what an `apply` took away, bit for bit. Nothing is overwritten.

    The journal of a plan is found by the plan's id, wherever the plan's file is. Of a folder, the newest plan counts
    that was applied.

    Example: `lookalike dedup undo`, or `lookalike dedup undo plan.json`, or `lookalike dedup undo ~/Pictures`
    """
    from lookalike.cleaning.journal import Journal, last_journal
    from lookalike.cleaning.planfile import find_journal, plans_folder
    from lookalike.cleaning.undoing import undo

    with errors_are_one():
        journal = last_journal(plans_folder()) if plan is None else find_journal(plan)
        count = len(list(Journal(journal).open_entries()))
        if not count:
            if form is Format.table:
                typer.echo("Nothing to do: all of it was undone before.")
            else:
                print_json({"journal": str(journal), "restored": [], "elsewhere": [], "failed": []})
            return
        _ask(f"To undo: {counted(count, 'action')}. Go on?", yes)
        with _telling_how_to_go_on("undo"), progress_bar("bringing back", count) as advance:
            done = undo(journal, progress=_steps(advance))
    for late in done.elsewhere:
        note(on_a_line(f"its place was taken: {late.path} is now {late.place}"))
    for one in done.failed:
        note(on_a_line(f"not brought back: {one.path}: {one.reason}"))
    if form is not Format.table:
        print_json(
            {
                "journal": str(done.journal),
                "restored": list(done.restored),
                "elsewhere": [{"path": late.path, "place": late.place} for late in done.elsewhere],
                "failed": [{"path": one.path, "reason": one.reason} for one in done.failed],
            }
        )
    else:
        back = counted(len(done.restored), "file")
        places = "is back in its place" if len(done.restored) == 1 else "are back in their places"
        typer.echo(f"{back} {places}; {len(done.failed):,} could not be.")
    if done.failed:
        raise typer.Exit(1)


_DOES = {
    "trash": "to the trash",
    "quarantine": "to a quarantine folder",
    "hardlink": "replaced by hard links to the files that stay",
    "reflink": "replaced by reflinks to the files that stay",
}


@contextmanager
def writable(what: str) -> Iterator[None]:
    """Turn a disk that is full or read-only, or a folder that isn't there, into an error that says so."""
    try:
        yield
    except OSError as error:
        from lookalike.cleaning.planfile import plans_folder

        where = str(error.filename2 or error.filename or plans_folder())  # of a rename the name it was to get
        raise FolderError(where, f"{what} can't be written: {error.strerror or error}: {where}") from None


@contextmanager
def _telling_how_to_go_on(step: str) -> Iterator[None]:
    """Where Ctrl-C stops it, say what can be done now: each action is whole or was put back."""
    try:
        yield
    except KeyboardInterrupt:
        back = "" if step == "undo" else ", `lookalike dedup undo` brings back what went so far"
        note(f"lookalike: not finished: `lookalike dedup {step}` goes on{back}")
        raise


def _found(given: Path | None) -> Path:
    """Return the plan's file: the one named, the newest of a folder that was scanned, or the newest of all."""
    from lookalike.cleaning.planfile import last_plan, plans_of

    if given is None:
        return last_plan()
    if not given.is_dir():
        return given
    for path, _ in plans_of(given):
        return path
    raise PlanNotFound(str(given.expanduser().absolute()), "plan")


def _changed(plan: Plan, group: int, what: str, path: str, settings: Settings) -> Plan:
    from lookalike.cleaning import plan as plans
    from lookalike.cleaning.planning import Comparing

    if group > len(plan.groups):
        there = f"from 1 to {len(plan.groups):,}" if plan.groups else "left out: the plan has no group"
        raise InvalidArgument("--group", group, there)
    number = group - 1
    match what:
        case "keep":
            return plans.set_keeper(plan, number, _member(path), Comparing(settings))
        case "spare":
            return plans.exclude(plan, number, _member(path))
        case "reset":
            return plans.reset(plan, number)
        case "different" | "set-aside":
            changed = plans.keep_all(plan, number)
            _decide(changed, number, what, settings)
            return changed
    return plans.keep_all(plan, number)


def _decide(plan: Plan, number: int, what: str, settings: Settings) -> None:
    from lookalike.catalog import open_catalog

    digests = {member.sha256 for member in plan.groups[number].group.members}
    if what == "different" and len(digests) < 2:
        raise InvalidArgument("--different", "equal bytes", "for pictures that differ; --keep-all leaves them alone")
    with open_catalog(Path(settings.workspace), settings.catalog) as catalog:
        catalog.decisions.add("different" if what == "different" else "set-aside", digests)


def _member(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def _steps(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return what tells a bar, which takes steps, how far the work is."""
    done = 0

    def count(now: int, total: int) -> None:
        nonlocal done
        advance(now - done)
        done = now

    return count


def _ask(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidArgument("--yes", "not given", "given where nobody can be asked")
    if not typer.confirm(question):
        raise typer.Exit(0)
