"""A person at a real browser, over the sample gallery: nothing is mocked, and nothing leaves the machine."""

import base64
from contextlib import contextmanager

import pytest

DESKTOP, PHONE, TINY = {"width": 1280, "height": 860}, {"width": 390, "height": 844}, {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def address(samples):
    return samples


@contextmanager
def drag(page, path, kind="image/jpeg"):
    """Hold a file as a drag or a paste does: yields a DataTransfer in the page."""
    held = page.evaluate_handle(
        """([bytes, name, kind]) => {
            const held = new DataTransfer();
            held.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: kind }));
            return held;
        }""",
        [base64.b64encode(path.read_bytes()).decode(), path.name, kind],
    )
    yield held
    held.dispose()


def is_shown(page):
    """Whether the picture that was asked with is there to be seen, and not a sign that stands for it."""
    shown = page.locator("figure.asked img")
    return shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 1


def names(page):
    return page.locator("ol.grid a.name").all_inner_texts()


def test_from_the_start_page_to_what_looks_like_the_cat(visit):
    page = visit()
    assert page.url.endswith("/")  # the key has left the URL
    page.get_by_role("link", name="samples", exact=True).click()
    page.get_by_role("link", name="animal").click()
    page.get_by_role("link", name="More like cat/original").click()
    page.wait_for_url("**/search?id=cat%2Foriginal")
    assert page.get_by_role("heading", name="Looks like this").is_visible()
    assert all(name.startswith("cat/") for name in names(page)[:4])
    page.get_by_role("link", name="More like cat/mirrored").click()
    page.wait_for_url("**/search?id=cat%2Fmirrored")
    assert "cat/original" in names(page)[:4]


def test_every_picture_in_view_is_there(visit):
    page = visit()
    for target in ("/", "/collections/samples", "/collections/samples/search?id=coffee%2Foriginal"):
        page.goto(target, wait_until="networkidle")
        loaded = page.locator("main img").evaluate_all(
            "images => images.filter((image) => image.loading !== 'lazy').map((image) => image.naturalWidth > 1)"
        )
        assert all(loaded)


def test_a_picture_dropped_anywhere_is_searched_for(visit, gallery):
    page = visit()
    page.goto("/collections/samples")
    with drag(page, gallery[0] / "rocket-crop.jpg") as held:
        page.dispatch_event("h1", "dragover", {"dataTransfer": held})
        assert "dragging" in page.locator("body").get_attribute("class")
        page.dispatch_event("h1", "drop", {"dataTransfer": held})
        page.wait_for_url("**/search?query=*")
    assert names(page)[0] == "rocket/crop"
    assert is_shown(page)
    page.reload()  # the upload is a URL like any other
    assert names(page)[0] == "rocket/crop"


def test_a_pasted_picture_is_searched_for_with_the_options_that_were_set(visit, gallery):
    page = visit()
    page.goto("/collections/samples/search?id=cat%2Foriginal&by=copy&k=12")
    with drag(page, gallery[0] / "coins-original.jpg") as held:
        page.evaluate(
            "held => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: held, bubbles: true }))", held
        )
        page.wait_for_url("**/search?k=12&by=copy&query=*")
    assert names(page)[0] == "coins/original"
    assert is_shown(page)
    assert len(names(page)) == 12


def test_a_chosen_file_is_searched_for(visit, gallery):
    page = visit()
    page.goto("/collections/samples/search")
    page.locator("input[type=file]").set_input_files(gallery[0] / "moon-original.jpg")
    page.wait_for_url("**/search?query=*")
    assert names(page)[0] == "moon/original"
    page.go_back()
    page.wait_for_load_state("networkidle")
    assert page.url.endswith("/collections/samples/search")  # and stays there: the file is not sent again
    page.locator("input[type=file]").set_input_files(gallery[0] / "moon-original.jpg")
    page.wait_for_url("**/search?query=*")


def test_a_file_chosen_before_the_scripts_are_there_is_sent_all_the_same(visit, gallery):
    page = visit()
    held = []
    page.route("**/static/drop.js*", lambda route: held.append(route), times=1)
    page.goto("/collections/samples/search", wait_until="commit")
    page.locator("input[type=file]").set_input_files(gallery[0] / "moon-original.jpg")
    while not held:
        page.wait_for_timeout(10)
    held[0].continue_()
    page.wait_for_url("**/search?query=*")
    assert names(page)[0] == "moon/original"


def test_what_is_no_picture_is_refused_before_it_is_sent(visit, tmp_path):
    page = visit()
    page.goto("/collections/samples/search")
    (tmp_path / "notes.txt").write_text("words", "utf-8")
    with drag(page, tmp_path / "notes.txt", "text/plain") as held:
        page.dispatch_event("main", "drop", {"dataTransfer": held})
    assert page.get_by_text("notes.txt is not a picture.").is_visible()


def test_the_switch_and_the_options_change_the_url(visit):
    page = visit()
    page.goto("/collections/samples/search?id=cat%2Foriginal")
    page.get_by_role("link", name="Colors").click()
    page.wait_for_url("**/search?id=cat%2Foriginal&by=color")
    page.get_by_text("More options").click()
    page.get_by_label("How many").select_option("12")
    page.wait_for_url("**k=12**")
    assert len(names(page)) == 12
    page.get_by_label("One of each product").check()
    page.wait_for_url("**group=1**")
    assert len({name.partition("/")[0] for name in names(page)}) == 12
    page.get_by_role("link", name="Random picture").click()
    page.wait_for_url("**/search?k=12&by=color&group=1&id=*")


def test_two_pictures_are_compared(visit, gallery):
    page = visit()
    page.get_by_role("link", name="Compare", exact=True).click()
    page.wait_for_url("**/compare")
    page.get_by_label("First picture").set_input_files(gallery[0] / "cat-original.jpg")
    page.wait_for_url("**/compare?a=*")
    with drag(page, gallery[0] / "cat-mirrored.webp", "image/webp") as held:
        page.dispatch_event("h1", "drop", {"dataTransfer": held})
        page.wait_for_url("**/compare?a=*&b=*")
    assert page.get_by_text("The same picture, altered.").is_visible()
    assert page.get_by_role("table").is_visible()
    before = page.url
    page.get_by_role("link", name="Swap").click()
    page.wait_for_url(lambda url: url != before)
    assert page.get_by_text("The same picture, altered.").is_visible()


def test_a_match_is_compared_with_what_was_looked_for(visit):
    page = visit()
    page.goto("/collections/samples/search?id=cat%2Foriginal&by=copy")
    page.locator("li.match", has_text="cat/recompressed").get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare?collection=samples&a_id=cat%2Foriginal&b_id=cat%2Frecompressed")
    assert page.get_by_text("The same picture, altered.").is_visible()


def test_everything_works_without_scripts(visit, gallery):
    page = visit(java_script_enabled=False)
    page.goto("/collections/samples/search")
    page.locator("input[type=file]").set_input_files(gallery[0] / "horse-original.jpg")
    page.get_by_role("button", name="Search", exact=True).click()
    page.wait_for_url("**/search?query=*")
    assert names(page)[0] == "horse/original"
    page.goto("/compare")
    page.get_by_label("First picture").set_input_files(gallery[0] / "horse-original.jpg")
    page.get_by_label("Second picture").set_input_files(gallery[0] / "horse-small.png")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url("**/compare?a=*&b=*")
    assert page.get_by_role("table").is_visible()


def test_the_keyboard_reaches_the_pictures(visit):
    page = visit()
    page.goto("/collections/samples?filter=%7B%22subject%22%3A%20%22cat%22%7D")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "frame":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?id=cat*")


@pytest.mark.parametrize(
    "viewport",
    [pytest.param(DESKTOP, marks=pytest.mark.slow), pytest.param(PHONE, marks=pytest.mark.slow), TINY],
    ids=["desktop", "phone", "tiny"],
)
def test_nothing_is_wider_than_the_screen(visit, viewport):
    page = visit(viewport)
    for target in (
        "/",
        "/collections/samples",
        "/collections/samples/search",
        "/collections/samples/search?id=cat%2Foriginal",
        "/collections/samples/record?id=cat%2Foriginal",
        "/compare?collection=samples&a_id=cat%2Foriginal&b_id=cat%2Fcrop",
    ):
        page.goto(target)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], target


def test_the_links_of_a_phone_are_one_row_that_keys_reach_without_scripts(visit):
    page = visit(TINY, java_script_enabled=False)
    page.goto("/")
    links = page.locator(".top nav a")
    assert len({round(link.bounding_box()["y"]) for link in links.all()}) == 1
    page.locator(".brand").focus()
    for _ in links.all():
        page.keyboard.press("Tab")
    last = links.last.bounding_box()
    assert 0 <= last["x"] <= TINY["width"] - last["width"] / 2


def test_the_first_page_is_light(visit):
    page = visit()
    sizes = []
    page.on("response", lambda response: sizes.append((response.request.resource_type, len(response.body()))))
    for target in ("/", "/collections/samples"):
        sizes.clear()
        page.goto(target, wait_until="networkidle")
        assert sum(size for kind, size in sizes if kind != "image") < 110_000, target  # before it is compressed


def test_pictures_that_arrive_late_move_nothing(visit):
    page = visit()
    page.goto("/collections/samples", wait_until="commit")
    page.wait_for_selector("footer")
    page.wait_for_function("() => getComputedStyle(document.body).display === 'flex'")  # the stylesheet is there
    before = page.evaluate("document.documentElement.scrollHeight")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollHeight") == before


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_text_stands_out_from_its_ground(visit, scheme):
    """WCAG 2 contrast of every text that shows, 4.5 at least."""
    page = visit(color_scheme=scheme)
    for target in ("/", "/collections/samples", "/collections/samples/search?id=cat%2Foriginal", "/compare"):
        page.goto(target)
        assert page.evaluate(FAINT) == [], target


FAINT = """() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = (rgb) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) faint.push(`${walker.currentNode.textContent.trim()}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


def test_a_wrong_key_and_then_the_right_one(visit, key):
    page = visit()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin")
    page.goto("/compare")
    page.wait_for_url("**/signin?next=%2Fcompare")
    page.get_by_label("Key").fill(key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare")
    assert page.get_by_role("heading", name="Compare two pictures").is_visible()


def test_a_link_on_another_site_finds_the_visitor_signed_in(visit, address):
    page = visit()  # signed in at 127.0.0.1, which is another site than localhost
    page.goto(address.replace("127.0.0.1", "localhost") + "/signin")
    page.evaluate("target => { location.href = target }", f"{address}/compare")
    page.wait_for_selector("form.pair")
    assert page.url == f"{address}/compare"
