"""Reviewing duplicates on the pages: a plan's groups one by one, what will happen, apply and undo; with real files."""

import hashlib
import json
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import lookalike
from lookalike.folders.findings import FileGroup, FilePair, PictureFile
from lookalike.folders.plan import Terms, make_plan
from lookalike.folders.planfile import plans_folder, read_plan, save_plan
from lookalike.folders.planning import plan_of

PHONE = {"width": 390, "height": 844}


def tree(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, draw, save):
    """Pictures of which three have copies: mirrored, small, the same bytes, recompressed; and one that has none."""
    folder = tmp_path_factory.mktemp("pristine")
    for seed in range(4):
        save(draw(seed, 640, 480), folder / f"holiday-{seed}.png")
    save(draw(0, 640, 480)[:, ::-1], folder / "copies" / "mirrored.jpg", quality=80)
    save(draw(0, 640, 480)[::2, ::2], folder / "copies" / "small <b>.jpg", quality=70)
    shutil.copy2(folder / "holiday-1.png", folder / "copies" / "holiday-1 (1).png")
    save(draw(2, 640, 480), folder / "copies" / "holiday-2.jpg", quality=50)
    return folder


@pytest.fixture(scope="module")
def plan_id(pristine, plans):
    """The plan of a real scan of those; the group of 0 has three files."""
    search = lookalike.find_duplicates([pristine], ledger="")
    return save_plan(plan_of(search, roots=[str(pristine)], terms=Terms(), settings=lookalike.Settings())).stem


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOOKALIKE_PLANS", str(tmp_path_factory.mktemp("plans")))
        yield plans_folder()


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with lookalike.open(tmp_path_factory.mktemp("space") / "workspace") as space:
        yield space


@pytest.fixture(scope="module")
def address(space, serving, plans):
    with serving(space) as address:
        yield address


@pytest.fixture
def folder(pristine, plan_id, plans):
    """The pictures and their plan, put back as they were when the test is over."""
    before, path = tree(pristine), plans / f"{plan_id}.json"
    original = path.read_bytes()
    yield pristine
    path.write_bytes(original)
    for name in (".review", ".journal"):
        path.with_suffix(name).unlink(missing_ok=True)
    assert tree(pristine) == before


def group_of(plans, plan_id, name):
    """The number, from 1, of the group that has a file of this name, and the group."""
    groups = read_plan(plans / f"{plan_id}.json").groups
    return next(
        (number, planned)
        for number, planned in enumerate(groups, 1)
        if any(Path(fate.path).name == name for fate in planned.fates)
    )


def test_the_queue_shows_every_group_and_touches_nothing(visitor, plan_id, folder, links):
    page = visitor.get(f"/review/{plan_id}")
    assert page.status_code == 200
    assert "3 groups of duplicates" in page.text
    assert "0 of 3 looked at" in page.text
    for picture in links(page, "?size=160"):
        assert visitor.get(picture).headers["content-type"] == "image/jpeg"
    assert plan_id in visitor.get("/review").text
