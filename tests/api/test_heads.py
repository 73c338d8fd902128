"""HEAD is answered wherever GET is, with its headers and without its body."""

import pytest


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", "/static/logo.svg"])
def test_head_is_get_without_a_body(client, path):
    given, asked = client.get(path), client.head(path)
    assert asked.status_code == given.status_code == 200
    assert asked.content == b""
    assert asked.headers["content-type"] == given.headers["content-type"]


def test_it_needs_what_get_needs(client, stranger, service, key, shapes):
    shapes()
    assert stranger.head("/v1/collections").status_code == 401
    assert client.head("/v1/collections").status_code == 200
    assert client.head("/v1/collections/none").status_code == 404
    assert client.head("/v1/compare").status_code == 405
    removed = "/v1/collections/c/removed"
    assert [ask(removed).status_code for ask in (service(key("read")).get, service(key("read")).head)] == [403, 403]


def test_it_is_counted_under_its_own_name(client, shapes):
    shapes()
    client.head("/v1/collections/c")
    assert 'method="HEAD",route="/v1/collections/{name}"' in client.get("/metrics").text.replace(", ", ",")


def test_browsers_find_the_icon_by_themselves(stranger):
    answer = stranger.get("/favicon.ico")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text == stranger.get("/static/logo.svg").text
