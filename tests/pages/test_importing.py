"""Bringing records in: in a browser picture by picture, and by a plain form as a job."""

import base64
import json
import re

import pytest

import lookalike
from lookalike.catalog import Grant, Plan
from lookalike.jobfiles import job_folder
from lookalike.pages.bringing import address_id, picture_ids
from lookalike.work import Background

WAIT = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace whose jobs are done."""
    folder = tmp_path_factory.mktemp("home") / "workspace"
    with lookalike.open(folder) as space, Background(space, scheduled=False) as background:
        space.background = background
        yield space


@pytest.fixture(scope="module")
def address(home, serving):
    with serving(home) as address:
        yield address


@pytest.fixture
def shop(home):
    """An empty collection."""
    collection = home.create("shop")
    yield collection
    home.drop("shop")


@pytest.fixture
def folder(tmp_path, draw, save):
    """A folder of two pictures and one below them of the same name, a damaged one, and a text."""
    top = tmp_path / "photos"
    (top / "sub").mkdir(parents=True)
    save(draw(1), top / "a.png")
    save(draw(2), top / "b <i>.png")
    save(draw(3), top / "sub" / "a.png")
    (top / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (top / "notes.md").write_text("words", "utf-8")
    return top


def over(home, answer):
    assert answer.status_code == 303, answer.text
    return home.background.runner.wait(answer.headers["location"].removeprefix("/jobs/"), WAIT)


def ids(collection):
    return sorted(record.id for record in collection.scroll().records)


def test_ids_are_paths_below_the_folder_and_clashes_take_the_whole_path():
    assert picture_ids(["a.png", "trip/b/c.png", "trip/a.png"]) == ["a.png", "b/c.png", "trip/a.png"]
    assert picture_ids(["x/a.png", "y/a.png", "y/a.png"]) == ["a.png", "y/a.png", "y/a-2.png"]
    assert address_id("https://shop.example/1.jpg?size=2") == "shop.example/1.jpg?size=2"


def test_a_plain_form_of_pictures_becomes_a_job_that_lists_the_damaged_one(home, shop, visitor, folder):
    names = ["photos/a.png", "photos/sub/a.png", "photos/damaged.jpg"]
    files = [("files", (name, (folder.parent / name).read_bytes())) for name in names]
    job = over(home, visitor.post("/collections/shop/import", data={"batch": "one"}, files=files))
    assert (job.state, job.done, job.failed) == ("done", 3, 1)
    assert ids(shop) == ["a.png", "sub/a.png"]
    assert shop.get(["a.png"])[0].fields["_batch"] == "one"
    page = visitor.get(f"/jobs/{job.id}").text
    assert "damaged.jpg" in page
    assert "1 failed" in page
    assert list(job_folder(home.path).iterdir()) == []


def test_more_files_than_a_search_takes_go_in_one_form(home, shop, visitor, folder):
    files = [("files", (f"{number}.png", (folder / "a.png").read_bytes())) for number in range(12)]
    assert over(home, visitor.post("/collections/shop/import", files=files)).done == 12
    assert len(shop) == 12


def test_the_token_may_come_in_the_form(home, shop, visitor, folder):
    token = visitor.headers.pop("X-CSRF-Token")
    files = [("files", (f"{number}.png", (folder / "a.png").read_bytes())) for number in range(6)]
    assert visitor.post("/collections/shop/import", files=files).status_code == 401
    assert over(home, visitor.post("/collections/shop/import", data={"csrf": token}, files=files)).done == 6


def test_tables_and_lists_are_told_by_their_names(home, shop, visitor):
    table = json.dumps({"_id": "x", "name": "lamp", "secret": 1, "_vector": [1.0] * 256}).encode()
    fields = {"rename": "name=title, secret="}
    job = over(home, visitor.post("/collections/shop/import", data=fields, files=[("files", ("t.jsonl", table))]))
    assert job.result["inserted"] == 1
    assert {key: value for key, value in shop.get(["x"])[0].fields.items() if key[0] != "_"} == {"title": "lamp"}
    listed = b"http://127.0.0.1:1/a.jpg\n\n"
    more = {"addresses": "http://10.0.0.1/b.jpg"}
    job = over(home, visitor.post("/collections/shop/import", data=more, files=[("files", ("urls.txt", listed))]))
    failed = [one.source for one in home.catalog.jobs.failures(job.id).failures]
    assert failed == ["line 1 (10.0.0.1/b.jpg)", "line 2 (127.0.0.1:1/a.jpg)"]


@pytest.mark.parametrize(
    ("fields", "said"), [({}, "empty"), ({"existing": "x"}, "existing"), ({"rename": "x"}, "rename")]
)
def test_a_form_that_can_not_be_meant_is_shown_again(shop, visitor, fields, said):
    answer = visitor.post("/collections/shop/import", data={"addresses": "", **fields})
    assert answer.status_code == 422
    assert said in re.search(r'role="alert">(.*?)</p>', answer.text)[1]


def test_a_reader_sees_no_import_and_may_not(home, shop, address, keyed):
    with keyed(home.catalog, address, Grant("read")) as reader:
        assert "/collections/shop/import" not in reader.get("/collections/shop").text
        assert reader.get("/collections/shop/import").status_code == 403
        assert reader.post("/collections/shop/import", data={"addresses": "http://x.example/a"}).status_code == 403


def test_a_plan_holds_for_the_form_too(home, shop, address, keyed, folder):
    files = [("files", (f"{number}.png", (folder / "a.png").read_bytes())) for number in range(3)]
    with keyed(home.catalog, address, Grant("write", ["shop"], None, Plan(records=2))) as writer:
        job = over(home, writer.post("/collections/shop/import", files=files))
        assert (job.state, job.error_code) == ("failed", "plan_exceeded")
        assert writer.get(f"/jobs/{job.id}").status_code == 200
    assert len(shop) == 0


def test_a_folder_with_one_damaged_file_is_imported_in_the_browser(shop, visit, folder, barriers):
    page = visit()
    page.goto("/collections/shop/import")
    assert barriers(page) == []
    page.locator("input[webkitdirectory]").set_input_files(folder)
    page.locator("[data-state]", has_text="done").wait_for()
    assert page.locator("[data-told]").inner_text() == "4 of 4 pictures · 3 new · 1 failed"
    assert page.locator("[data-list] b").all_inner_texts() == ["damaged.jpg"]
    assert "1 file is no picture" in page.locator("[data-left] summary").inner_text()
    assert ids(shop) == ["a.png", "b <i>.png", "sub/a.png"]
    assert barriers(page) == []
    page.reload()  # what came of it is still told
    assert page.locator("[data-told]").inner_text() == "4 of 4 pictures · 3 new · 1 failed"
    assert "quiet" in page.locator("[data-again]").get_attribute("class")  # seeing them comes first
    page.get_by_role("link", name="See the pictures").click()
    page.wait_for_url("**/collections/shop")


def test_a_busy_service_is_asked_again(shop, visit, folder):
    page = visit()
    page.add_init_script(
        """const real = window.fetch;
        window.fetch = (...request) => {
            window.fetch = real;
            return Promise.resolve(new Response("{}", { status: 503, headers: { "Retry-After": "0" } }));
        };"""
    )
    page.goto("/collections/shop/import")
    page.locator("input[data-pick]").first.set_input_files([folder / "a.png", folder / "b <i>.png"])
    page.locator("[data-state]", has_text="done").wait_for()
    assert page.locator("[data-told]").inner_text() == "2 of 2 pictures · 2 new"
    assert page.evaluate("window.fetch.toString().includes('native code')")  # the refusal was had


def test_a_pasted_picture_gets_the_time_as_its_name(shop, visit, folder):
    page = visit()
    page.goto("/collections/shop/import")
    page.evaluate(
        """(bytes) => {
            const held = new DataTransfer();
            const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
            held.items.add(new File([data], "image.png", { type: "image/png" }));
            document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, bubbles: true }));
        }""",
        base64.b64encode((folder / "a.png").read_bytes()).decode(),
    )
    page.locator("[data-state]", has_text="done").wait_for()
    assert re.fullmatch(r"pasted \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.png", ids(shop)[0])


def test_a_folder_dropped_is_walked_and_what_was_sent_stays_when_it_is_canceled(shop, visit, folder, save, draw):
    first = save(draw(0, 32, 24), folder / "sub" / "000.png").read_bytes()
    for number in range(1, 600):  # so many that none is too quick to be canceled
        (folder / "sub" / f"{number:03}.png").write_bytes(first)
    page = visit()
    page.goto("/collections/shop/import")
    page.on("dialog", lambda dialog: dialog.accept())
    mouse = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 300, "data": data})
    page.get_by_text("of 604 pictures").wait_for()
    page.locator("[data-told]", has_text="new").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.locator("[data-state]", has_text="canceled").wait_for()
    assert 0 < len(shop) < 603
    page.reload()
    assert page.locator("[data-state]").inner_text() == "canceled"


def test_a_table_leads_to_its_job_and_the_job_to_its_end(shop, visit, tmp_path, barriers):
    page = visit(color_scheme="dark")
    page.goto("/collections/shop/import")
    rows = [{"_id": f"r{number}", "_vector": [1.0, number, *[0.5] * 254]} for number in range(5)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n", "utf-8")
    page.locator("input[data-pick]").first.set_input_files(tmp_path / "rows.jsonl")
    page.wait_for_url("**/jobs/job_*")
    page.get_by_text("done", exact=True).wait_for()
    assert page.get_by_text("6 records").is_visible()
    assert page.get_by_text("line 6").is_visible()
    assert barriers(page) == []
    assert len(shop) == 5


def test_everything_goes_without_scripts(shop, visit, folder):
    page = visit({"width": 390, "height": 844}, java_script_enabled=False)
    page.goto("/collections/shop/import")
    page.locator("input[data-pick]").first.set_input_files([folder / "a.png"])
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/jobs/job_*")
    assert page.get_by_role("heading", name="Import into shop").is_visible()
