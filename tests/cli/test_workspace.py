"""Moving, saving and bringing back a workspace, and changing a model, from the command line."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture
def indexed(run, pictures):
    assert run("index", pictures, "--collection", "c").code == 0


def test_backup_and_restore(run, indexed, tmp_path):
    saved = run("backup", tmp_path / "saved.zip")
    assert (saved.code, "Saved 6 records of 1 collection" in saved.out) == (0, True)
    assert run("backup", tmp_path / "saved.zip").code == 2
    assert run("collection", "delete", "c", "--yes").code == 0
    assert run("restore", tmp_path / "saved.zip", "--format", "json").json["records"] == {"c": 6}
    again = run("restore", tmp_path / "saved.zip")
    assert (again.code, "--force" in again.err) == (2, True)
    assert run("search", "c", "--id", "0.jpg", "--format", "json").code == 0


def test_move_and_info(run, indexed, tmp_path):
    moved = run("workspace", "move", tmp_path / "space", tmp_path / "other", "--format", "json")
    assert moved.json == [{"name": "c", "records": 6, "written": 6, "searches_compared": 18}]
    about = run("workspace", "info", "--workspace", tmp_path / "other", "--format", "json").json
    assert about["workspace"] == str(tmp_path / "other")
    assert [(entry["name"], entry["records"], entry["beside"]) for entry in about["collections"]] == [("c", 6, None)]
    assert run("workspace", "move", tmp_path / "nowhere", tmp_path / "other").code == 2


def test_a_cluster_out_of_reach_is_one_line(run, tmp_path):
    result = run(
        "workspace", "info", "--workspace", "qdrant://localhost:9/a/b", env={"LOOKALIKE_CATALOG": str(tmp_path / "c")}
    )
    assert (result.code, "qdrant://host:6333" in result.err) == (2, True)
    result = run("collection", "list", "--workspace", "qdrant://localhost:9")
    assert (result.code, "PostgreSQL URL" in result.err) == (2, True)


def test_redescribe_says_what_it_wants(run, indexed):
    assert "another one" in run("collection", "redescribe", "c", "--model", "lookalike-mini").err
    assert run("collection", "redescribe", "c").code == 2
    assert run("collection", "redescribe", "c", "--rollback").code == 2
    assert run("collection", "redescribe", "c", "--finish").code == 2
    assert run("collection", "redescribe", "c", "--model", "no-such-model").code == 2


@pytest.fixture
def model(tmp_path):
    """The name of a model in a file: the mean color of a picture, turned."""
    matrix = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("MatMul", ["flat", "matrix"], ["meaning"]),
        ],
        "colors",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("meaning", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "colors.onnx")
    return f"onnx:{tmp_path / 'colors.onnx'}"


def test_a_change_of_model_and_back(run, indexed, pictures, model):
    before = run("search", "c", "--id", "0.jpg", "--format", "json").json
    (pictures / "3.jpg").rename(pictures / "elsewhere")
    waiting = run("collection", "redescribe", "c", "--model", model)
    assert (waiting.code, "not described: 3.jpg" in waiting.err) == (1, True)
    assert "with --anyway to change without them" in waiting.err
    (pictures / "elsewhere").rename(pictures / "3.jpg")
    done = run("collection", "redescribe", "c", "--model", model, "--format", "json").json
    assert done == {"collection": "c", "model": model, "described": 1, "changed": True, "failed": []}
    after = run("search", "c", "--id", "0.jpg", "--format", "json").json
    assert {match["_id"] for match in after} == {match["_id"] for match in before}
    assert [match["score"] for match in after] != [match["score"] for match in before]
    assert run("collection", "redescribe", "c", "--rollback").code == 0
    assert run("search", "c", "--id", "0.jpg", "--format", "json").json == before


def test_a_damaged_collection_is_listed_with_its_reason_and_can_be_deleted(run, pictures, tmp_path):
    for name in ("bad", "good"):
        run("index", pictures, "--collection", name)
    store = next(tmp_path.rglob("bad/store.json"))
    store.write_text("{", "utf-8")
    for command in (("collection", "list"), ("workspace", "info")):
        listed = run(*command, "--format", "json")
        rows = listed.json["collections"] if isinstance(listed.json, dict) else listed.json
        assert [(row["name"], row["records"]) for row in rows] == [("bad", None), ("good", 6)]
        assert "can't be opened" in listed.err
    assert "Deleted bad and its records." in run("collection", "delete", "bad", "--yes").out
    assert [row["name"] for row in run("collection", "list", "--format", "json").json] == ["good"]
