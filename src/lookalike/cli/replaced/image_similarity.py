"""imageSimilarity.py: a folder of pictures divided into folders of like ones, or a service that divides pictures.

Flags, output, folders and log are those of the original; errors end with 1 and say which file is meant.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from lookalike.errors import ImageError, LookalikeError, NoImagesFound

if TYPE_CHECKING:
    from lookalike.ssim import Gray

__all__ = ["main"]

_BANNER: Final = r"""
 _____
|_   _|
  | | _ __ ___   __ _  __ _  ___
  | || '_ ` _ \ / _` |/ _` |/ _ \
 _| || | | | | | (_| | (_| |  __/
 \___/_| |_| |_|\__,_|\__, |\___|
                       __/ |
                      |___/
 _____ _           _ _            _ _
/  ___(_)         (_) |          (_) |
\ `--. _ _ __ ___  _| | __ _ _ __ _| |_ _   _
 `--. \ | '_ ` _ \| | |/ _` | '__| | __| | | |
/\__/ / | | | | | | | | (_| | |  | | |_| |_| |
\____/|_|_| |_| |_|_|_|\__,_|_|  |_|\__|\__, |
                                         __/ |
                                        |___/
"""
_GRADE: Final = 0.95
_PORTS: Final = (9081, 9082)  # the original's own, and the one of its examples
_BAD_GRADE: Final = "ERROR: Similarity grade should be between 0 and 1."
_NO_FOLDER: Final = "ERROR: Paths given should exist"
_LOG_FILE: Final = "imageSimilarity.log"
_log = logging.getLogger("lookalike.compat.program")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program, by default with the arguments of the process, and return its exit code."""
    _say(_BANNER.strip("\n"))
    asked = _parser().parse_args(arguments)
    _start_log(asked.logging)
    try:
        return _serve(asked.port or _PORTS, asked.compat_upstream) if asked.runServer else _divide(asked)
    except LookalikeError as error:
        _log.error("%s", error)
        _say(f"ERROR: {error}")
        return 1
    except Exception:
        _log.exception("Uncaught exception")
        raise


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imageSimilarity.py", description="Divides images into folders according to their similarity."
    )
    add = parser.add_argument
    add("--similarityGrade", "-s", type=float, default=_GRADE, help="from 0 to 1 (equal); default %(default)s")
    add("--imagesDirectory", "-i", type=Path, default="images", help="where the images are; default %(default)s")
    add("--outputDirectory", "-o", type=Path, default="output", help="made if it is missing; default %(default)s")
    add("--runServer", "-r", action="store_true", help="run the HTTP API instead")
    add("--logging", "-l", action="store_true", help=f"write {_LOG_FILE}")
    add("--port", type=int, action="append", help="of the HTTP API, may be repeated; default 9081 and 9082")
    add("--compat-upstream", action="store_true", help="the HTTP API takes every grade for 0.95, as it once did")
    return parser


def _divide(asked: argparse.Namespace) -> int:
    from lookalike.folders.copies import copy_groups
    from lookalike.folders.group import FolderGroups

    grade, images, output = asked.similarityGrade, asked.imagesDirectory, asked.outputDirectory
    for wrong, message in ((not 0 <= grade <= 1, _BAD_GRADE), (not images.is_dir(), _NO_FOLDER)):
        if wrong:
            _log.error(message)
            _say(message)
            return 1
    _say(f"Loading images from '{images}'...")
    root, paths, grays = _read(images, output)
    _say(f"Dividing images in batches according to similarity ({grade})...")
    groups = _groups(paths, grays, grade)
    _say(f"Saving images in '{output}'...")
    _log.debug("Saving divisions in %s", output)
    _set_aside(output, root)
    copy_groups(FolderGroups(root, groups), output)
    _say("Done.")
    return 0


def _read(images: Path, output: Path) -> tuple[Path, list[Path], list[Gray]]:
    """Return the folder and what it and those below it hold: paths ascending, and the gray pictures."""
    from lookalike.folders.scan import Scan, scan
    from lookalike.images import read_image
    from lookalike.settings import Settings
    from lookalike.ssim import to_gray

    _log.debug("Reading all images from %s", images)
    try:
        found = scan(images, leave_out=output.expanduser().absolute())
    except NoImagesFound:
        found = Scan(images.expanduser().absolute())
    _log.debug("Files detected: %d", len(found.pictures) + len(found.others))
    limits = Settings.load().limits
    reasons = found.unused
    paths, grays = [], []
    for path in found.pictures:
        try:
            grays.append(to_gray(read_image(path, limits=limits).pixels))
            paths.append(path)
        except ImageError as error:
            reasons[str(path)] = error.reason
    for name, reason in reasons.items():
        _log.warning("Left out: %s: %s", name, reason)
        print(f"Left out: {name}: {reason}", file=sys.stderr)
    _log.debug("All images read")
    return found.root, paths, grays


def _groups(paths: Sequence[Path], grays: Sequence[Gray], grade: float) -> list[list[Path]]:
    from lookalike.duplicates import group_by_ssim

    _log.debug("Dividing images according to their similarity")
    _log.debug("Number of images to divide: %d", len(paths))
    _log.debug("Minimum Similarity: %s", grade)
    groups = [[paths[at] for at in group] for group in group_by_ssim(grays, grade)]
    _log.debug("Number of divisions: %d", len(groups))
    return groups


def _set_aside(output: Path, images: Path) -> None:
    """Rename an output folder that holds more than earlier groups: the original deleted it, with whatever was in it."""
    from lookalike.folders.copies import foreign

    target = output.expanduser().absolute()
    if not target.is_dir() or images.is_relative_to(target) or not foreign(target):
        return
    number = 1
    while (aside := target.with_name(f"{target.name}.before-{number}")).exists():
        number += 1
    target.rename(aside)
    print(f"What was in {output} is now in {aside}", file=sys.stderr)


def _serve(ports: Sequence[int], upstream: bool) -> int:
    """Answer until told to end. No key is asked for: who can reach the address may use it."""
    from lookalike.api.app import Access, create_app
    from lookalike.cli.serve import check_free, run
    from lookalike.settings import Settings
    from lookalike.workspace import Workspace

    settings = Settings.load()
    settings = replace(settings, port=ports[0], keyless=True, upstream_grade=upstream or settings.upstream_grade)
    for port in ports:
        check_free(settings.host, port)
    near = settings.host in ("localhost", "127.0.0.1", "::1")
    signal.signal(signal.SIGTERM, _end)
    with tempfile.TemporaryDirectory(prefix="imageSimilarity-") as folder:
        settings = replace(settings, workspace=Path(folder), catalog="")
        with Workspace(folder, settings, create=True) as space:
            app = create_app(space, Access(hosts=("localhost", "127.0.0.1", "[::1]") if near else ("*",)))
            _log.debug("Running server...")
            for port in ports:
                _say(f"Running server on http://{'localhost' if near else settings.host}:{port}")
            try:
                run(app, settings, ports[1:])
            except KeyboardInterrupt:
                return 0
    return 0


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)  # unwinds, so that the folder goes


def _start_log(wanted: bool) -> None:
    """Write what this program and its API do into a file in the current folder, as the original does, or nowhere."""
    # Without a handler of its own, logging would say warnings and errors a second time on stderr.
    writer = logging.FileHandler(_LOG_FILE, encoding="utf-8") if wanted else logging.NullHandler()
    writer.setFormatter(logging.Formatter("[%(asctime)s][%(levelname)s] %(message)s"))
    ours = logging.getLogger("lookalike.compat")
    ours.setLevel(logging.DEBUG)
    ours.propagate = False
    ours.addHandler(writer)


def _say(line: str) -> None:
    print(line, flush=True)
