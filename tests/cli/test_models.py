"""`lookalike models` in a process of its own, with a hub that is a folder of files."""

import functools
import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import onnx
import pytest
from onnx import TensorProto, helper

REPOSITORY = "someone/averages"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def averages(side):
    """A network whose vector is the mean color."""
    inputs = [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, side, side])]
    outputs = [helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", 3])]
    node = helper.make_node("ReduceMean", ["pixel_values"], ["image_embeds"], axes=[2, 3], keepdims=0)
    graph = helper.make_graph([node], "averages", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def place(tmp_path):
    """The environment of a hub with one repository, and of an empty folder for models."""
    served = tmp_path / "hub"
    files = served / REPOSITORY / "resolve" / COMMIT
    files.mkdir(parents=True)
    onnx.save(averages(16), files / "model.onnx")
    about = served / "api" / "models" / REPOSITORY
    about.parent.mkdir(parents=True)
    about.write_text(json.dumps({"sha": COMMIT, "siblings": [{"rfilename": "model.onnx"}]}), "utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=served))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield {
        "LOOKALIKE_HUB": f"http://127.0.0.1:{server.server_port}",
        "LOOKALIKE_MODELS": str(tmp_path / "models"),
    }
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def elsewhere(tmp_path):
    """An environment without a hub and without fetched models."""
    return {"LOOKALIKE_HUB": "http://127.0.0.1:9", "LOOKALIKE_MODELS": str(tmp_path / "models")}


def test_list_says_which_models_there_are_and_which_are_here(run, elsewhere):
    listed = run("models", "list", "--format", "json", env=elsewhere)
    rows = {row["name"]: row for row in listed.json}
    assert listed.code == 0
    assert rows["lookalike-mini"]["here"] is True
    assert rows["dinov2-small"]["here"] is False
    assert rows["dinov2-small"]["vectors"] == "meaning 384"
    assert (rows["clip-vit-b32"]["words"], rows["lookalike-mini"]["words"]) == (True, True)
    assert rows["dinov2-small"]["words"] is False
    assert rows["mobileclip2-s2"]["license"].startswith("apple-amlr")
    assert all(row["MB"] > 0 for row in rows.values())


def test_a_damaged_repository_does_not_hide_the_others(run, elsewhere, tmp_path):
    folder = tmp_path / "models" / "hf--someone--broken"
    folder.mkdir(parents=True)
    (folder / "image.onnx").write_bytes(b"hello, I am no model")
    rows = {row["name"]: row for row in run("models", "list", "--format", "json", env=elsewhere).json}
    assert "no ONNX model" in rows["hf:someone/broken"]["problem"]
    assert rows["lookalike-mini"]["here"] is True


def test_show_prints_the_whole_card(run, elsewhere):
    shown = run("models", "show", "siglip2-base", env=elsewhere).json
    assert shown["files"]["image"]["repository"].startswith("onnx-community/")
    assert shown["verified"]
    assert shown["here"] is False
    assert run("models", "show", "lookalike-mini", env=elsewhere).json["labels"] == "1000 names"


def test_fetch_makes_a_model_usable_and_is_safe_to_repeat(run, place, draw, save, tmp_path):
    name = f"hf:{REPOSITORY}"
    for _ in range(2):
        fetched = run("models", "fetch", name, env=place)
        assert (fetched.code, fetched.out) == (0, "")
        assert f"{name} is here" in fetched.err
    assert {row["name"] for row in run("models", "list", "--format", "json", env=place).json} > {name}
    picture = save(draw(1), tmp_path / "a.png")
    indexed = run("index", picture.parent, "--collection", "some", env={**place, "LOOKALIKE_MODEL": name})
    assert indexed.code == 0, indexed.err


def test_without_a_connection_the_error_says_what_to_bring_and_where(run, elsewhere):
    failed = run("models", "fetch", "dinov2-small", env=elsewhere)
    assert (failed.code, failed.out) == (2, "")
    assert "could not be fetched" in failed.err
    missing = run("models", "show", "hf:nobody/nothing", env=elsewhere)
    assert missing.code == 2
    assert "lookalike models fetch hf:nobody/nothing" in missing.err
    assert elsewhere["LOOKALIKE_MODELS"] in missing.err


def test_bench_measures_what_is_here(run, elsewhere):
    rows = run("models", "bench", "--seconds", "0.2", "--format", "json", env=elsewhere).json
    assert [row["name"] for row in rows] == ["lookalike-mini"]
    assert rows[0]["ms_per_picture"] > 0
    assert rows[0]["pictures_per_second"] > 0


def test_bench_of_a_model_that_is_not_here_says_so_and_measures_the_others(run, elsewhere):
    command = ("models", "bench", "dinov2-small", "lookalike-mini", "--seconds", "0.2", "--format", "json")
    missing, measured = run(*command, env=elsewhere).json
    assert "lookalike models fetch dinov2-small" in missing["problem"]
    assert measured["pictures_per_second"] > 0


@pytest.mark.parametrize("command", ["list", "show", "fetch", "bench"])
def test_every_command_helps_with_an_example(run, command):
    helped = run("models", command, "--help")
    assert helped.code == 0
    assert f"lookalike models {command}" in helped.out
