"""Reviewing duplicates on the pages: a plan's groups one by one, what will happen, apply and undo; with real files."""

import hashlib
import os
import re
import shutil
import time
from pathlib import Path

import httpx
import pytest

import lookalike
from lookalike.catalog import Grant
from lookalike.cleaning.plan import Terms, make_plan
from lookalike.cleaning.planfile import plans_folder, read_plan, save_plan
from lookalike.cleaning.planning import plan_of
from lookalike.folders.findings import FileGroup, FilePair, PictureFile


def tree(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) for path in files}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, draw, save):
    """Pictures of which three have copies: lesser, small, the same bytes, recompressed; and one that has none."""
    folder = tmp_path_factory.mktemp("pristine")
    for seed in range(4):
        save(draw(seed, 640, 480), folder / f"holiday-{seed}.jpg", quality=97)
    save(draw(0, 640, 480), folder / "copies" / "lesser.jpg", quality=80)
    save(draw(0, 640, 480)[::2, ::2], folder / "copies" / "small <b>.jpg", quality=70)
    shutil.copy2(folder / "holiday-1.jpg", folder / "copies" / "holiday-1 (1).jpg")
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


def test_a_group_shows_its_members_with_what_differs_and_why(visitor, plan_id, plans, folder, links):
    number, planned = group_of(plans, plan_id, "lesser.jpg")
    page = visitor.get(f"/review/{plan_id}/{number}")
    assert page.status_code == 200
    assert "small &lt;b&gt;.jpg" in page.text
    assert "<b>.jpg" not in page.text
    assert "recompressed" in page.text
    assert len(re.findall(r'class="differs"', page.text)) >= 3
    assert page.text.count('badge fate">stays') == 1
    assert page.text.count('badge fate">goes') == len(planned.removed) == 2
    for picture in links(page, "?size=640"):
        assert visitor.get(picture).content.startswith(b"\xff\xd8")


def test_a_review_changes_the_plan_and_is_remembered(visitor, plan_id, plans, folder):
    number, planned = group_of(plans, plan_id, "lesser.jpg")
    target = f"/review/{plan_id}/{number}"

    def do(change, name=""):
        member = [Path(fate.path).name for fate in planned.fates].index(name) + 1 if name else 0
        answer = visitor.post(target, data={"change": change, "member": member})
        assert answer.status_code == 303, answer.text
        return group_of(plans, plan_id, "lesser.jpg")[1]

    assert Path(do("keep", "lesser.jpg").keeper.path).name == "lesser.jpg"
    assert "1 of 3 looked at" in visitor.get(f"/review/{plan_id}").text
    spared = do("spare", "small <b>.jpg")
    assert {Path(file.path).name for file, _ in spared.removed} == {"holiday-0.jpg"}
    assert not do("keep-all").removed
    assert do("reset") == planned
    assert "0 of 3 looked at" in visitor.get(f"/review/{plan_id}").text


def test_not_duplicates_is_kept_as_a_decision_until_it_is_taken_back(visitor, space, plan_id, plans, folder):
    number, planned = group_of(plans, plan_id, "lesser.jpg")
    answer = visitor.post(f"/review/{plan_id}/{number}?open=1", data={"change": "different"})
    assert answer.headers["location"] != f"/review/{plan_id}/{number}"
    (decision,) = space.catalog.decisions.list()
    assert decision.verdict == "different"
    assert set(decision.members) == {member.sha256 for member in planned.group.members}
    assert "not duplicates" in visitor.get(f"/review/{plan_id}").text
    visitor.post(f"/review/{plan_id}/{number}", data={"change": "set-aside"})
    assert [one.verdict for one in space.catalog.decisions.list()] == ["set-aside"]
    visitor.post(f"/review/{plan_id}/{number}", data={"change": "reset"})
    assert space.catalog.decisions.list() == []
    same, _ = group_of(plans, plan_id, "holiday-1 (1).jpg")
    refused = visitor.post(f"/review/{plan_id}/{same}", data={"change": "different"})
    assert refused.status_code == 422
    assert space.catalog.decisions.list() == []


def test_apply_and_undo_from_the_pages(visitor, plan_id, folder):
    before = tree(folder)
    asked = visitor.get(f"/review/{plan_id}/apply")
    assert "All of the plan: 4 files" in asked.text
    form = {"which": "all", "action": "quarantine"}
    assert visitor.post(f"/review/{plan_id}/apply", data=form).status_code == 422, "nobody said that they are sure"
    assert tree(folder) == before
    done = visitor.post(f"/review/{plan_id}/apply", data={**form, "sure": "1"}, follow_redirects=True)
    assert "4 files went" in finished(visitor, done)
    assert not (folder / "copies" / "lesser.jpg").exists()
    assert "It went to" in visitor.get(f"/review/{plan_id}/1").text
    undone = visitor.post(f"/review/{plan_id}/undo", follow_redirects=True)
    assert "4 files came back" in finished(visitor, undone)
    assert tree(folder) == before


def test_only_what_was_looked_at_goes_and_what_changed_is_refused(visitor, plan_id, plans, folder):
    number, planned = group_of(plans, plan_id, "lesser.jpg")
    visitor.post(f"/review/{plan_id}/{number}", data={"change": "seen"})
    changed = folder / "copies" / "lesser.jpg"
    data, times = changed.read_bytes(), changed.stat()
    changed.write_bytes(data + b"\0")
    form = {"which": "seen", "action": "quarantine", "sure": "1"}
    done = visitor.post(f"/review/{plan_id}/apply", data=form, follow_redirects=True)
    text = finished(visitor, done)
    assert "1 file went" in text
    assert "Not touched: 1 file" in text
    assert (folder / "copies" / "holiday-2.jpg").exists(), "its group was not looked at"
    assert len(planned.removed) == 2
    assert "1 file came back" in finished(visitor, visitor.post(f"/review/{plan_id}/undo", follow_redirects=True))
    changed.write_bytes(data)
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))


def finished(visitor, page):
    """The text of a result's page once the work is over."""
    deadline = time.monotonic() + 60
    while "refresh" in page.headers and time.monotonic() < deadline:
        page = visitor.get(page.url)
    assert "refresh" not in page.headers
    return page.text


def test_plans_are_for_the_admin_at_this_machine_alone(address, key, space, plan_id, folder, serving):
    target = f"/review/{plan_id}"
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as client:
        assert client.get(target).headers["location"].startswith("/signin")
        assert client.get(target, headers={"Authorization": f"Bearer {key}"}).status_code == 403, "no session"
        assert client.post("/signin", data={"key": key}).status_code == 303
        assert client.get(target).status_code == 200
        assert client.get(target, headers={"X-Forwarded-For": "203.0.113.9"}).status_code in (401, 403)
        assert client.post(f"{target}/apply", data={"which": "all", "action": "trash", "sure": "1"}).status_code == 401
        for odd in ("nope", "..%2F..%2Fetc", f"{plan_id}.json"):
            assert client.get(f"/review/{odd}").status_code == 404
        for odd in ("0", "4", "1/0", "1/99"):
            assert client.get(f"{target}/{odd}").status_code == 404
    _, reader = space.catalog.keys.create("reader", Grant("read"))
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60) as client:
        assert client.post("/signin", data={"key": reader}).status_code == 303
        assert client.get(target).status_code == 403
    with serving(space, trusting=True) as trusting:
        assert httpx.get(f"{trusting}{target}", headers={"Accept": "text/html"}).status_code == 403


def test_plans_are_led_to_from_where_duplicates_are_looked_for_by_those_who_may(
    visitor, space, plan_id, keyed, address
):
    space.create("c", kind="custom", entities={"shape": 3})
    try:
        with keyed(space.catalog, address, Grant("write")) as writer:
            for target in ("/", "/collections/c/duplicates"):
                assert 'href="/review"' in visitor.get(target).text
                assert 'href="/review"' not in writer.get(target).text
    finally:
        space.drop("c")
    assert 'href="/review"' in visitor.get("/").text  # also where there is nothing yet


def test_without_a_plan_nothing_leads_there(visitor, plans, plan_id):
    hidden = plans.with_name("hidden")
    plans.rename(hidden)
    try:
        assert 'href="/review"' not in visitor.get("/").text
    finally:
        hidden.rename(plans)


def test_a_plan_that_is_damaged_is_said_to_be(visitor, plan_id, plans, folder):
    path = plans / f"{plan_id}.json"
    path.write_bytes(path.read_bytes().replace(b"0.95", b"0.05"))
    page = visitor.get(f"/review/{plan_id}")
    assert page.status_code == 409
    assert "damaged" in page.text


@pytest.fixture(scope="module")
def large(plans, pristine):
    """A plan of 1,000 groups, of files that are there in the first."""

    def file(path, digest):
        return PictureFile(str(path), 1000, 0, 0, 0, digest * 64, 640, 480, "JPEG")

    def group(number):
        folder = pristine if number == 0 else pristine / f"gone-{number}"
        a, b = file(folder / "holiday-0.jpg", "a"), file(folder / "holiday-1.jpg", "b")
        return FileGroup((a, b), (FilePair(a.path, b.path, "edited-copy", 0.96 + number / 30_000, "copy"),))

    return save_plan(make_plan((group(number) for number in range(1000)), roots=[str(pristine)])).stem


def test_a_thousand_groups_come_in_pages_and_orders(visitor, large):
    first = visitor.get(f"/review/{large}")
    assert len(first.content) < 100_000
    assert "Page 1 of 25" in first.text
    assert re.findall(rf"/review/{large}/(\d+)\?", first.text)[:1] == ["1"]
    sure = visitor.get(f"/review/{large}?order=sure&page=25")
    assert f"/review/{large}/1?order=sure" in sure.text
    visitor.post(f"/review/{large}/1", data={"change": "seen"})
    left = visitor.get(f"/review/{large}?open=1").text
    assert f'href="/review/{large}/1?' not in left
    assert "1 of 1,000 looked at" in left
    assert visitor.get(f"/review/{large}/1000").status_code == 200


@pytest.mark.parametrize(
    ("viewport", "scheme"), [pytest.param((1280, 860), "light", marks=pytest.mark.slow), ((390, 844), "dark")]
)
def test_the_keyboard_reviews_and_undo_takes_it_back(visit, barriers, plan_id, plans, folder, viewport, scheme):
    before = tree(folder)
    page = visit({"width": viewport[0], "height": viewport[1]}, color_scheme=scheme)
    page.goto(f"/review/{plan_id}")
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    page.keyboard.press("r")
    page.wait_for_url(f"**/review/{plan_id}/*")
    number, _ = group_of(plans, plan_id, "lesser.jpg")
    page.goto(f"/review/{plan_id}/{number}")
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport[0]
    names = page.locator(".member h2").all_inner_texts()
    with page.expect_navigation():
        page.keyboard.press(str(names.index("lesser.jpg") + 1))
    assert page.locator(".fate-keep h2").inner_text() == "lesser.jpg"
    with page.expect_navigation():
        page.keyboard.press("u")
    assert page.locator(".fate-keep h2").inner_text() == "holiday-0.jpg"
    page.keyboard.press("?")
    assert page.get_by_text("keep that file, the others go").is_visible() == (viewport[0] > 600)
    with page.expect_navigation():
        page.keyboard.press("ArrowRight")
    page.goto(f"/review/{plan_id}/apply")
    assert barriers(page) == []
    page.get_by_label("Of what you looked at").check()
    page.get_by_label("To a quarantine folder").check()
    page.get_by_label("I am sure").check()
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("heading", name="2 files went").wait_for(timeout=60_000)
    assert barriers(page) == []
    assert not (folder / "copies" / "lesser.jpg").exists()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("heading", name="2 files came back").wait_for(timeout=60_000)
    assert tree(folder) == before


def test_all_of_it_works_without_scripts(visit, plan_id, plans, folder):
    page = visit(java_script_enabled=False)
    number, _ = group_of(plans, plan_id, "lesser.jpg")
    page.goto(f"/review/{plan_id}/{number}")
    page.get_by_role("button", name="Keep lesser.jpg").click()
    page.wait_for_load_state()
    assert page.locator(".fate-keep h2").inner_text() == "lesser.jpg"
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="Keep all").click()
    page.wait_for_load_state()
    assert not group_of(plans, plan_id, "lesser.jpg")[1].removed
