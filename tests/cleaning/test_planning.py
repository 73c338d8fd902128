"""A plan from a search: large groups are compared with their keeper, and what changed decides."""

from pathlib import Path

import numpy as np
import pytest

from lookalike.cleaning import inspection, planning
from lookalike.cleaning.applying import apply
from lookalike.cleaning.disposal import Disposal
from lookalike.cleaning.keeper import parse_rules
from lookalike.cleaning.plan import Terms, reset, set_keeper
from lookalike.cleaning.planning import Comparing, plan_of
from lookalike.folders.finding import find_duplicates
from lookalike.settings import Settings

cv2 = pytest.importorskip("cv2")


@pytest.fixture
def crowd(tmp_path, draw, save):
    """One picture in twelve qualities, and a copy with a frame that takes more bytes and pixels than all of them."""
    folder = tmp_path / "crowd"
    scene = draw(3, 640, 480)
    for number in range(12):
        save(scene, folder / f"{number:02}.jpg", quality=60 + number)
    framed = cv2.copyMakeBorder(scene, 70, 70, 70, 70, cv2.BORDER_CONSTANT, value=(250, 250, 250))
    save(np.asarray(framed, np.uint8), folder / "99-framed.png")
    return folder


def test_the_original_stays_though_a_framed_copy_is_larger(crowd):
    search = find_duplicates(crowd)
    plan = plan_of(search, roots=[str(crowd)], terms=Terms(bar=0.9), settings=Settings())
    (group,) = plan.groups
    assert len(group.group.members) == 13
    assert group.keeper.path == str(crowd / "11.jpg")
    assert len(group.removed) == 12
    told = {pair.changes for pair in group.group.pairs if pair.b.endswith("99-framed.png")}
    assert any("border" in change or "frame" in change for changes in told for change in changes), told


def test_a_file_that_changed_since_has_no_pair(crowd, draw, save):
    search = find_duplicates(crowd)
    (group,) = search.groups
    first, second = group.members[0], group.members[1]
    compare = Comparing(Settings())
    assert compare(first, second).verdict == "edited-copy"
    save(draw(8), crowd / "01.jpg")
    assert compare(first, second) is None


def test_a_second_plan_of_unchanged_files_looks_at_none(crowd, tmp_path, monkeypatch):
    def planned():
        search = find_duplicates(crowd, upto="copy", ledger=tmp_path / "ledger.sqlite")
        return plan_of(search, roots=[str(crowd)], terms=Terms(), settings=Settings()).groups

    looked, look = [], planning.look_closely
    monkeypatch.setattr(planning, "look_closely", lambda *pair: looked.append(pair) or look(*pair))
    first = planned()
    assert looked, "there are too many files for pairs of all of them"
    looked.clear()
    assert planned() == first
    assert looked == []


@pytest.fixture
def forms(tmp_path):
    """One form with two numbers on it, and the first of the two again."""
    folder = tmp_path / "forms"
    folder.mkdir()
    for name, number in (("a", "10482"), ("b", "10782"), ("c", "10482")):
        page = np.full((707, 500, 3), 255, np.uint8)
        cv2.rectangle(page, (40, 30), (200, 80), (120, 60, 30), -1)
        for line in range(110, 660, 24):
            cv2.putText(page, f"Payable within {line} days", (60, line), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30))
        cv2.putText(page, f"No. {number}", (330, 125), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0))
        cv2.imwrite(str(folder / f"{name}.jpg"), page, [cv2.IMWRITE_JPEG_QUALITY, 60 if name == "c" else 92])
    return folder


def test_a_form_with_another_number_stays(forms):
    search = find_duplicates(forms)
    plan = plan_of(search, roots=[str(forms)], terms=Terms(), settings=Settings())
    (group,) = plan.groups
    assert [member.path[-5:] for member, _ in group.removed] == ["c.jpg"]
    (left,) = [fate for fate in group.fates if fate.does == "leave"]
    assert left.path.endswith("b.jpg")
    assert left.reason.startswith("different on")
    assert reset(plan, 0).groups == plan.groups, "what was inspected is kept with the plan"


def test_what_no_scan_inspected_is_refused_when_it_would_go(forms, tmp_path):
    search = find_duplicates(forms, upto="hash")
    plan = plan_of(search, roots=[str(forms)], terms=Terms(keep=parse_rules("first")), settings=Settings())
    assert plan.files_removed == 2
    done = apply(plan, Disposal("quarantine", str(tmp_path / "away")), folder=tmp_path / "plans")
    assert [one.path[-5:] for one in done.done] == ["c.jpg"]
    (refused,) = done.refused
    assert refused.path.endswith("b.jpg")
    assert refused.reason.startswith("different on")


def test_who_chose_the_keeper_has_seen_what_differs(forms, tmp_path):
    search = find_duplicates(forms)
    plan = plan_of(search, roots=[str(forms)], terms=Terms(), settings=Settings())
    plan = set_keeper(plan, 0, str(forms / "a.jpg"))
    done = apply(plan, Disposal("quarantine", str(tmp_path / "away")), folder=tmp_path / "plans")
    assert sorted(one.path[-5:] for one in done.done) == ["b.jpg", "c.jpg"]


def test_a_second_plan_inspects_nothing_again(forms, tmp_path, monkeypatch):
    def planned():
        search = find_duplicates(forms, ledger=tmp_path / "ledger.sqlite")
        return plan_of(search, roots=[str(forms)], terms=Terms(), settings=Settings()).groups

    inspected, shown = [], inspection.differing_share
    monkeypatch.setattr(inspection, "differing_share", lambda *pair: inspected.append(pair) or shown(*pair))
    first = planned()
    assert inspected
    inspected.clear()
    assert planned() == first
    assert inspected == []


def test_a_copy_that_can_not_be_read_any_more_stays(forms):
    search = find_duplicates(forms)
    assert search.groups
    (forms / "c.jpg").write_bytes(b"damaged")
    plan = plan_of(search, roots=[str(forms)], terms=Terms(), settings=Settings())
    assert plan.groups[0].removed == []


@pytest.mark.parametrize(("turn", "how"), [(np.flipud, "mirrored"), (np.rot90, "rotated 90")])
def test_arrows_of_two_directions_both_stay(tmp_path, turn, how):
    """A mirrored or turned icon is another icon."""
    icon = np.full((256, 256, 3), (200, 120, 20), np.uint8)
    cv2.fillPoly(icon, [np.array([[128, 50], [200, 128], [56, 128]])], (255, 255, 255))
    cv2.rectangle(icon, (100, 128), (156, 205), (255, 255, 255), -1)
    cv2.imwrite(str(tmp_path / "up.png"), icon)
    cv2.imwrite(str(tmp_path / "other.png"), turn(icon))
    search = find_duplicates(tmp_path, upto="hash", ledger="")
    (pair,) = search.pairs
    assert how in pair.changes
    plan = plan_of(search, roots=[str(tmp_path)], terms=Terms(), settings=Settings())
    assert plan.groups[0].removed == []


@pytest.mark.parametrize("first", ["a-blank.jpg", "a-filled.jpg"])
def test_a_blank_form_and_a_filled_one_both_stay_and_a_blurred_copy_goes(forms, tmp_path, first):
    filled = cv2.imread(str(forms / "a.jpg"))
    blank = filled.copy()
    blank[95:140, 320:] = 255
    both = {first: blank if "blank" in first else filled, "b.jpg": filled if "blank" in first else blank}
    both["c-blurred.jpg"] = cv2.GaussianBlur(both[first], (0, 0), 1.2)
    folder = tmp_path / "two"
    folder.mkdir()
    for name, page in both.items():
        cv2.imwrite(str(folder / name), page, [cv2.IMWRITE_JPEG_QUALITY, 95])
    plan = plan_of(find_duplicates(folder), roots=[], terms=Terms(keep=parse_rules("first")), settings=Settings())
    assert [Path(file.path).name for group in plan.groups for file, _ in group.removed] == ["c-blurred.jpg"]
