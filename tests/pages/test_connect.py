"""The programs that a collection's page gives: pasted as they are, they do what they say."""

import html
import json
import re
import shutil
import subprocess
import sys

import pytest

IDS = ['it\'s "quoted" $HOME `id` \\n', "日本語 ü\n</code>"]


@pytest.fixture(scope="module", params=range(len(IDS)))
def pasted(request, space, draw, save, tmp_path_factory):
    """A collection whose only record has this id, and a folder with a photo.jpg."""
    name = f"pasted.{request.param}"
    folder = tmp_path_factory.mktemp("pasted")
    save(draw(3), folder / "photo.jpg")
    space.create(name).add([{"_id": IDS[request.param], "_file": str(folder / "photo.jpg")}])
    yield name, IDS[request.param], folder
    space.drop(name)


def programs(page):
    found = re.findall(r'<pre class="program"[^>]*><code>(.*?)</code></pre>', page.text, re.DOTALL)
    return [html.unescape(text) for text in found]


def run(command, text, folder):
    done = subprocess.run([*command, text], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_the_curl_works_when_it_is_pasted(visitor, pasted, shell):
    name, _, folder = pasted
    read, write = [visitor.post(f"/collections/{name}/connect", data={"scope": s}) for s in ("read", "write")]
    answer = run([shell, "-c"], programs(write)[0], folder)
    decoder = json.JSONDecoder()
    added, end = decoder.raw_decode(answer)
    found = json.loads(answer[end:])
    assert added["failed"] == []
    assert found["matches"][0]["_id"] == IDS[int(name[-1])]
    found = json.loads(run([shell, "-c"], programs(read)[0], folder))
    assert found["matches"][0]["score"] > 0.99  # the same picture, under the id that was added
    visitor.post(f"/collections/{name}/record/delete?id=photo")


@pytest.mark.parametrize("place", [1, 2], ids=["Client", "the old client"])
def test_the_python_works_when_it_is_pasted(visitor, pasted, space, place):
    name, id_, folder = pasted
    write = visitor.post(f"/collections/{name}/connect", data={"scope": "write"})
    answer = run([sys.executable, "-c"], programs(write)[place], folder)
    assert "photo" in {record.id for record in space.get(name).records()}
    assert json.dumps(id_)[1:-1] in answer or id_ in answer or repr(id_) in answer
    read = visitor.post(f"/collections/{name}/connect", data={"scope": "read"})
    answer = run([sys.executable, "-c"], programs(read)[place], folder)
    assert "photo" in answer or json.dumps(id_)[1:-1] in answer or id_ in answer or repr(id_) in answer
    space.get(name).delete(["photo"])


def test_programs_for_vectors_of_ones_own(visitor, space, tmp_path):
    space.create("vectors", kind="custom", entities={"shape": 3})
    try:
        page = visitor.post("/collections/vectors/connect", data={"scope": "write"})
        curl, python, old = programs(page)
        assert "photo.jpg" not in page.text
        run(["bash", "-c"], curl, tmp_path)
        assert [record.id for record in space.get("vectors").records()] == ["photo"]
        for text in (python, old):
            space.get("vectors").delete(["photo"])
            run([sys.executable, "-c"], text, tmp_path)
            assert [record.id for record in space.get("vectors").records()] == ["photo"]
    finally:
        space.drop("vectors")


def test_without_a_key_the_programs_have_a_place_for_it(visitor):
    page = visitor.get("/collections/drawn/connect")
    assert "drawn" in page.text
    assert str(page.url.copy_with(path="/")).rstrip("/") in page.text
    assert all("YOUR_KEY" in text for text in programs(page))
    assert len(programs(page)) == 3


def test_a_key_is_shown_once_and_opens_that_collection_alone(visitor, stranger, space):
    before = len(space.catalog.keys.list())
    page = visitor.post("/collections/drawn/connect", data={"scope": "read"})
    assert page.headers["cache-control"] == "no-store"
    (secret,) = set(re.findall(r"la_[\w-]{20,}", page.text))
    assert secret not in visitor.get("/collections/drawn/connect").text
    (key,) = space.catalog.keys.list()[before:]
    assert (key.grant.scope, key.grant.collections) == ("read", ["drawn"])
    sent = {"Authorization": f"Bearer {secret}"}
    assert stranger.get("/v1/collections/drawn", headers=sent).status_code == 200
    assert stranger.get("/v1/collections/many", headers=sent).status_code == 403
    assert visitor.post("/collections/drawn/connect", data={"scope": "admin"}).status_code == 422
    assert visitor.post("/collections/nope/connect", data={"scope": "read"}).status_code == 404
