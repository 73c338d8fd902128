"""Run as a program: kills apply and undo after system calls, every one or every few; all must be as it was."""

import json
import os
import shutil
import sys
from pathlib import Path

import cleanable
from cleanable import SIDECAR, alike, dies, put, seen, tree

from lookalike.cleaning.applying import apply
from lookalike.cleaning.disposal import Disposal
from lookalike.cleaning.plan import make_plan
from lookalike.cleaning.planfile import journal_of
from lookalike.cleaning.undoing import undo

WORLDS = {
    "trash": ("trash", ()),
    "quarantine": ("quarantine", ()),
    "other volume": ("quarantine", (cleanable.other_volume,)),
    "no rename at once": ("quarantine", (cleanable.no_rename_at_once,)),
    "hardlink": ("hardlink", ()),
    "reflink": ("reflink", (cleanable.cloning,)),
}


class World:
    """A tree, its plan, and how to clean it; made anew for each death."""

    def __init__(self, base: Path, action: str) -> None:
        self.base, self.pictures = base, base / "in"
        shutil.rmtree(base, ignore_errors=True)
        os.environ["XDG_DATA_HOME"] = str(base / "data")
        keeper = put(self.pictures / "a.jpg", b"whole" * 100)
        put(self.pictures / "a.jpg.xmp", SIDECAR.format(rating=3, word="old").encode(), mode=0o600, modified=7)
        copy = put(self.pictures / "sub" / "b.jpg", b"edited" * 50, mode=0o640, modified=12345678901)
        os.setxattr(copy, "user.note", b"mine")
        beside = put(self.pictures / "sub" / "b.jpg.xmp", SIDECAR.format(rating=5, word="new").encode())
        same = put(self.pictures / "c.jpg", b"whole" * 100, mode=0o444, modified=99)
        files = [
            seen(keeper, width=200, companions=(str(keeper) + ".xmp",)),
            seen(copy, companions=(str(beside),)),
            seen(same),
        ]
        self.plan = make_plan([alike(*files)], roots=[str(self.pictures)])
        folder = str(base / "away") if action == "quarantine" else ""
        self.disposal = Disposal(action, folder)
        self.before = tree(self.pictures)

    def apply(self) -> None:
        merge, plans = not self.disposal.links, self.base / "plans"
        apply(
            self.plan, self.disposal, merge=merge, folder=plans, inspect=lambda a, b, pair: ""
        )  # they are no pictures

    def undo(self) -> None:
        journal = journal_of(self.plan, self.base / "plans")
        if journal.exists():
            undone = undo(journal)
            assert [undone.failed, undone.odd, undone.elsewhere, undone.damaged] == [[], [], [], 0], undone

    def check(self, when: str) -> None:
        after = tree(self.pictures)
        assert after == self.before, (when, after.keys() ^ self.before.keys(), after, self.before)
        left = [str(path) for place in ("away", "data") for path in (self.base / place).rglob("*") if path.is_file()]
        assert not left, (when, left)


def killed_while_applying(base: Path, action: str, stride: int) -> int:
    at = 1
    while True:
        world = World(base, action)
        died = dies(world.apply, at)
        world.undo()
        world.check(f"apply killed at {at}, undone")
        world = World(base, action)
        dies(world.apply, at)
        world.apply()
        done = tree(world.pictures)
        assert not any(".lookalike" in name for name in done), done
        assert done.keys() < world.before.keys() or world.disposal.links
        world.undo()
        world.check(f"apply killed at {at}, applied again, undone")
        if not died:
            return at - 1
        at += stride


def killed_while_undoing(base: Path, action: str, stride: int) -> int:
    at = 1
    while True:
        world = World(base, action)
        world.apply()
        died = dies(world.undo, at)
        world.undo()
        world.check(f"undo killed at {at}")
        if not died:
            return at - 1
        at += stride


def killed_twice(base: Path, action: str, stride: int) -> int:
    count = at = 1
    while True:
        second = 1 + count % stride
        while True:
            world = World(base, action)
            first = dies(world.apply, at)
            again = dies(world.undo, second)
            world.undo()
            world.check(f"apply killed at {at}, undo at {second}")
            count += 1
            if not again:
                break
            second += stride
        if not first:
            return count
        at += stride


def main(how: str, name: str, base: Path, stride: int) -> None:
    os.fsync = lambda handle: None  # a killed process loses nothing that it has written; only a power cut would
    World(base, WORLDS[name][0]).apply()  # imports what it needs, once for all children
    action, changes = WORLDS[name]
    for change in changes:
        change()
    if how == "twice":
        counts = {"both": killed_twice(base, action, stride)}
    else:
        counts = {
            "apply": killed_while_applying(base, action, stride),
            "undo": killed_while_undoing(base, action, stride),
        }
    print(json.dumps(counts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
