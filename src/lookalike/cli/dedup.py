"""`lookalike dedup`: scan for duplicates on disk, and the group that the other steps are commands of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperGroup

from lookalike.allocation import collect_seldom
from lookalike.cli.cleaning import apply_plan, review_plan, undo_journal, writable
from lookalike.cli.common import WorkspaceOption, errors_are_one, settings_for
from lookalike.cli.output import Format, FormatOption, note, stage_bars
from lookalike.cli.planned import show_plan
from lookalike.errors import InvalidArgument

if TYPE_CHECKING:
    from lookalike.catalog.decisions import Decision
    from lookalike.settings import Settings

__all__ = ["app"]

_FOUND: Final = 11
_PROGRAM: Final = 256 << 20  # bytes that the program and the model take before the first picture
_STEPS: Final = ("scan", "review", "apply", "undo")

_HELP = """Find copies of pictures on disk, look at them, clean them up, and take it back.

`scan` touches nothing and writes a plan; `review` shows it and changes it; `apply` does what it says, each action
written down before it is done; `undo` brings everything back, bit for bit.

Example: `lookalike dedup ~/Pictures`, then `lookalike dedup review`, `lookalike dedup apply`, and perhaps
`lookalike dedup undo`
"""

_SCAN = """Find the pictures in folders that are copies of one another. Nothing is touched; a plan is written.

Equal bytes, hashes held all eight ways, the copy vector, and keypoints of the doubtful find what was resized,
recompressed, mirrored, turned, cropped, framed, recolored or written over. What was read is remembered: a scan that
is stopped goes on where it was, and one of unchanged folders reads no file.

With `--against` the files of the folders are held against those of another side only. Nothing in a `--reference`
folder is ever taken away. `--keep` says in order which file of a group stays (see docs/duplicates.md).

Exit code 0, or 1 after an error; with `--exit-code`, 11 if duplicates were found.

Example: `lookalike dedup scan ~/Pictures ~/Downloads --keep largest,not-in:Downloads --report duplicates.html`,
or `find . -name "*.jpg" -print0 | lookalike dedup scan --files-from - --format csv`
"""


class _Steps(TyperGroup):
    """Takes `dedup DIR`, which is `dedup scan DIR`, and `dedup DIR apply`, which is `dedup apply DIR`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*_STEPS, "--help"):
            steps = [at for at in range(1, len(args)) if args[at] in _STEPS and not args[at - 1].startswith("-")]
            args = [args[steps[0]], *args[: steps[0]], *args[steps[0] + 1 :]] if steps else ["scan", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Steps, help=_HELP, no_args_is_help=True, rich_markup_mode="markdown")


@app.command("scan", help=_SCAN)
def _scan(
    folders: list[Path] = typer.Argument(None, metavar="DIR...", help="Folders and files; all below them counts."),
    against: list[Path] = typer.Option([], "--against", help="The other side; again for further ones."),
    reference: list[Path] = typer.Option([], "--reference", help="Folders that nothing is taken from."),
    exclude: list[str] = typer.Option([], "--exclude", help="Leave out names or paths like `*.tmp`, `cache/*`."),
    files_from: str = typer.Option(None, "--files-from", help="File of paths, by line or NUL; - is standard input."),
    scope: str = typer.Option("all", "--scope", help="Pair files: all, of one sub-folder (branch), of one folder."),
    follow_links: bool = typer.Option(False, "--follow-links", help="Follow links to files and folders."),
    upto: str = typer.Option("keypoints", "--upto", help="How closely: digest, hash, copy or keypoints."),
    probability: float = typer.Option(0.5, "--probability", "-p", help="From which two count as one picture."),
    linkage: str = typer.Option("average", "--linkage", help="average, complete or transitive."),
    near: bool = typer.Option(False, "--near", help="Also group other shots of one scene."),
    memory: str = typer.Option("512M", "--memory", help="Most memory to take, like 512M or 2G."),
    ledger: str = typer.Option(None, "--ledger", help='File to remember what was read in; "" for none.'),
    keep: str = typer.Option(None, "--keep", help="Rules for the file that stays, in order."),
    bar: float = typer.Option(0.95, "--bar", help="Least probability for a file to go."),
    plan: Path = typer.Option(None, "--plan", help="Write the plan there, too."),
    report: Path = typer.Option(None, "--report", help="Write one HTML file with pictures."),
    exit_code: bool = typer.Option(False, "--exit-code", help="Exit with 11 if duplicates were found."),
    workspace: Path = WorkspaceOption,
    form: Format = FormatOption,
) -> None:
    from lookalike.cleaning.keeper import DEFAULT_RULES, parse_rules
    from lookalike.cleaning.plan import Terms
    from lookalike.cleaning.planfile import save_plan, write_plan
    from lookalike.cleaning.planning import plan_of
    from lookalike.folders.finding import find_duplicates

    collect_seldom()
    with errors_are_one():
        settings = settings_for(workspace)
        terms = Terms(parse_rules(keep or DEFAULT_RULES), bar)
        with stage_bars() as progress:
            search = find_duplicates(
                folders or [], settings=settings, progress=progress, against=against, reference=reference,
                exclude=exclude, files_from=files_from, scope=scope, follow_links=follow_links, upto=upto,
                probability=probability, linkage=linkage, near=near, memory=_memory(memory), ledger=ledger,
                decisions=_decisions(settings),
            )  # fmt: skip
            roots = [str(path.expanduser().absolute()) for path in [*(folders or []), *against, *reference]]
            made = plan_of(search, roots=roots, terms=terms, settings=settings, progress=progress)
        for warning in search.warnings:
            note(f"lookalike: {warning}")
        with writable("the plan"):
            saved = save_plan(made)
            if plan is not None:
                write_plan(made, plan)
        if report is not None:
            from lookalike.cleaning.report import write_report

            with writable("the report"):
                write_report(made, report, settings=settings)
        show_plan(made, saved, form, files=search.files)
    if exit_code and made.groups:
        raise typer.Exit(_FOUND)


app.command("review")(review_plan)
app.command("apply")(apply_plan)
app.command("undo")(undo_journal)


def _memory(text: str) -> int:
    units = {"K": 10, "M": 20, "G": 30}
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in units else (text, "")
    if not number.isdecimal():
        raise InvalidArgument("--memory", text, "a number of bytes, or like 512M or 2G")
    wanted = int(number) << units.get(unit, 0)
    least = _PROGRAM + (64 << 20)
    if wanted < least:
        raise InvalidArgument("--memory", text, f"at least {least >> 20}M: program and model take {_PROGRAM >> 20}M")
    return wanted - _PROGRAM


def _decisions(settings: Settings) -> Sequence[Decision]:
    """Return what was decided of pictures in folders; a workspace that was never made has no decisions."""
    from lookalike.settings import CATALOG

    if not settings.catalog and not (Path(settings.workspace) / CATALOG).is_file():
        return ()  # without loading what a catalog needs
    from lookalike.catalog import open_catalog

    with open_catalog(Path(settings.workspace), settings.catalog) as catalog:
        return catalog.decisions.list()
