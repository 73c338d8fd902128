"""What axe-core, the standard checker, says of the pages: nothing, in light and dark, wide and narrow."""

import pytest

ROOMS = {
    "start": "/",
    "gallery": "/collections/samples",
    "record": "/collections/samples/record?id=cat%2Foriginal",
    "search": "/collections/samples/search?id=cat%2Foriginal",
    "compare": "/compare?collection=samples&a_id=cat%2Foriginal&b_id=cat%2Fmirrored",
}
LOOKS = {"light": ("light", 1280), "dark phone": ("dark", 390)}
SOME = [pytest.param("light", marks=pytest.mark.slow), "dark phone"]


@pytest.fixture(scope="module")
def address(samples):
    return samples


@pytest.mark.parametrize("look", SOME)
@pytest.mark.parametrize("room", ROOMS)
def test_a_page_has_no_barriers(visit, barriers, room, look):
    scheme, width = LOOKS[look]
    page = visit({"width": width, "height": 844}, color_scheme=scheme)
    page.goto(ROOMS[room])
    assert barriers(page) == []


def test_a_barrier_is_found(visit, barriers):
    page = visit()
    page.set_content("<html><body><img src='/static/logo.svg'><p><font color='#aaaaaa'>Faint</font></p></body></html>")
    found = " ".join(barriers(page))
    assert "image-alt" in found
    assert "color-contrast" in found
