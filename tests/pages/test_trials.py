"""Trials on their page, in a real browser: begun, looked at, promoted, dropped and forgotten."""

import pytest

import lookalike
from lookalike.catalog import Grant, Trial
from lookalike.work import Background

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with lookalike.open(tmp_path_factory.mktemp("trials") / "workspace") as space:
        for name in ("shop", "larger"):
            space.create(name, kind="custom", entities={"shape": 2, "hue": 2}).add(
                {"_id": f"r{i}", "_vector": {"shape": [1, i], "hue": [1, i * 7 % 20]}} for i in range(20)
            )
        yield space


@pytest.fixture(scope="module")
def address(space, serving):
    with serving(space) as address:
        yield address


def test_a_trial_from_the_form_to_the_promotion(visit, space, barriers):
    page = visit()
    page.goto("/collections/shop/trials")
    page.get_by_label("Name", exact=True).fill("warmer")
    page.get_by_label("hue").fill("1")
    page.get_by_label("Worth finding, points").fill("30")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("heading", name="warmer").wait_for()
    assert space.trials.find("shop", "warmer").b == {"weights": {"hue": 1.0}}
    for number in range(60):
        found = space.get("shop").search(id="r0", k=3, trial="warmer", visitor=str(number))
        if found.variant == "b":
            space.trials.log("shop", found.impression, found[0].id)
    page.reload()
    assert page.get_by_text("b is better: 100.0%").is_visible()
    assert page.locator(".whisker").count() == 4
    assert barriers(page) == []
    page.get_by_role("button", name="Promote b").click()
    page.get_by_text("promoted: b").wait_for()
    assert space.get("shop").settings.weights == {"hue": 1.0}
    page.get_by_role("button", name="Forget").click()
    page.get_by_text("No trial yet.").wait_for()


def test_a_promotion_that_copies_is_watched_until_it_is_over(visit, space, barriers):
    space.trials.start(Trial("shop", "copied", b={"collection": "larger"}))
    page = visit()
    page.goto("/collections/shop/trials")
    page.get_by_role("button", name="Promote b").click()
    assert page.get_by_text("Promoting a variant").is_visible()  # nobody does it yet
    assert page.get_by_text("waiting for its turn").is_visible()
    assert page.get_by_role("button", name="Promote").count() == 0
    assert barriers(page) == []
    with Background(space, ["promote"], scheduled=False):
        page.get_by_text("promoted: b").wait_for()
    page.goto("/jobs")
    assert page.get_by_role("link", name="Promotion").is_visible()
    space.trials.forget("shop", "copied")


def test_a_promotion_that_fails_says_why(visit, space):
    space.trials.start(Trial("shop", "failing", b={"collection": "larger"}))
    space.get("shop").add([{"_id": "more", "_vector": {"shape": [1, 1], "hue": [1, 1]}}])
    page = visit()
    page.goto("/collections/shop/trials")
    page.get_by_role("button", name="Promote b").click()
    with Background(space, ["promote"], scheduled=False):
        page.get_by_text("b could not be promoted.").wait_for()
    assert page.get_by_text("20 are in both of them").is_visible()
    assert page.get_by_role("button", name="Promote b").is_visible()
    space.get("shop").delete(["more"])
    space.trials.forget("shop", "failing")


def test_it_fits_a_phone_in_the_dark(visit, space, barriers):
    space.trials.start(Trial("shop", "x" * 64, method="interleave", b={"collection": "larger"}))
    space.get("shop").search(id="r0", k=3, trial="x" * 64, visitor="v")
    page = visit(PHONE, color_scheme="dark")
    page.goto("/collections/shop/trials")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert barriers(page) == []
    page.get_by_role("button", name="Drop").click()
    page.get_by_text("It ended before").wait_for()
    space.trials.forget("shop", "x" * 64)


def test_mistakes_are_said_and_what_was_typed_stays(space, address, keyed):
    with keyed(space.catalog, address, Grant("admin")) as visitor:
        sent = {"trial": "odd", "method": "split", "goal": "click", "effect": "5", "share": "50", "weight.hue": "-1"}
        refused = visitor.post("/collections/shop/trials", data=sent)
        assert refused.status_code == 422
        assert "at least 0" in refused.text
        assert 'value="odd"' in refused.text
        assert visitor.post("/collections/shop/trials/odd/drop").status_code == 404


def test_readers_see_figures_and_no_buttons(space, address, keyed):
    space.trials.start(Trial("shop", "seen", b={"by": "shape"}))
    with keyed(space.catalog, address, Grant("read")) as reader:
        shown = reader.get("/collections/shop/trials").text
        assert "seen" in shown
        assert "Promote" not in shown
        assert "Begin a trial" not in shown
        assert reader.post("/collections/shop/trials/seen/drop").status_code == 403
        assert reader.post("/collections/shop/trials", data={"trial": "t"}).status_code == 403
    assert space.trials.find("shop", "seen").state == "running"
