"""A small hub on loopback, and generated models of the shapes that the cards of real ones state."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

KNOWN = Path(__file__).resolve().parents[2] / "src" / "lookalike" / "describers" / "known"


class Hub:
    """Serves `files`, a mapping of (repository, path) -> bytes, as a hub does, and remembers what was asked.

    cuts: how many bytes of each coming answer get through before the connection drops, one entry per answer.
    refuses: statuses of the coming answers. ranges: whether it can go on in the middle of a file.
    moved: whether files are elsewhere, as on the real hub, which only says where.
    """

    def __init__(self):
        self.files, self.asked, self.cuts, self.refuses, self.ranges, self.moved = {}, [], [], [], True, False
        self.commit = "0123456789abcdef0123456789abcdef01234567"

    def about(self, repository):
        siblings = [
            {"rfilename": path, "lfs": {"sha256": hashlib.sha256(data).hexdigest()} if path.endswith(".onnx") else None}
            for (owner, path), data in self.files.items()
            if owner == repository
        ]
        return json.dumps({"sha": self.commit, "siblings": siblings}).encode() if siblings else None

    def find(self, url):
        parts = url.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self.about("/".join(parts[2:4]))
        return self.files.get(("/".join(parts[:2]), "/".join(parts[4:]))) if parts[2] in ("resolve", "moved") else None


def handler_of(hub):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked_from = self.headers.get("Range")
            hub.asked.append((self.path, asked_from))
            if hub.moved and "/resolve/" in self.path:
                self.send_response(302)
                self.send_header("Location", self.path.replace("/resolve/", "/moved/"))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = hub.find(self.path)
            if hub.refuses or data is None:
                self.send_error(hub.refuses.pop(0) if hub.refuses else 404)
                return
            start = int(asked_from.removeprefix("bytes=").removesuffix("-")) if asked_from and hub.ranges else 0
            if start >= len(data) > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start : start + hub.cuts.pop(0)] if hub.cuts else data[start:])

        def log_message(self, *_):
            pass

    return Handler


@contextmanager
def serving(hub):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub of the test's own and an empty folder for models; pauses between attempts are left out."""
    found = Hub()
    with serving(found) as url:
        monkeypatch.setenv("LOOKALIKE_HUB", url)
        monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
        monkeypatch.setattr("lookalike.describers.hub._PAUSE", 0)
        found.url, found.folder = url, tmp_path / "models"
        yield found


def onnx_file(nodes, inputs, outputs, weights):
    graph = helper.make_graph(
        nodes, "tiny", inputs, outputs, [numpy_helper.from_array(v, k) for k, v in weights.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def image_tower(side, output, width, *, kind="rows", input_name="pixel_values", seed=0):
    """A network from (n, 3, side, side): "rows" (n, width), "tokens" (n, 16, width), or "classes": 1,000 logits."""
    random = np.random.default_rng(seed)
    cells = 4 if kind == "tokens" else 8
    weights = {"w": random.normal(size=(3 if kind == "tokens" else 192, width)).astype(np.float32)}
    pool = helper.make_node(
        "AveragePool", [input_name], ["cells"], kernel_shape=[side // cells] * 2, strides=[side // cells] * 2
    )
    shape, nodes = ["n", width], [pool]
    match kind:
        case "rows":
            nodes += [
                helper.make_node("Flatten", ["cells"], ["flat"]),
                helper.make_node("MatMul", ["flat", "w"], [output]),
            ]
        case "tokens":
            weights["shape"] = np.array([0, 3, 16], np.int64)
            nodes += [
                helper.make_node("Reshape", ["cells", "shape"], ["columns"]),
                helper.make_node("Transpose", ["columns"], ["tokens"], perm=[0, 2, 1]),
                helper.make_node("MatMul", ["tokens", "w"], [output]),
            ]
            shape = ["n", 16, width]
        case "classes":
            weights["v"] = random.normal(size=(width, 1000)).astype(np.float32)
            nodes += [
                helper.make_node("Flatten", ["cells"], ["flat"]),
                helper.make_node("MatMul", ["flat", "w"], ["before"]),
                helper.make_node("Relu", ["before"], ["features"]),
                helper.make_node("Gemm", ["features", "v"], [output]),
            ]
            shape = ["n", 1000]
    pixels = helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["n", 3, side, side])
    return onnx_file(nodes, [pixels], [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], weights)


def text_tower(output, width, *, masked, words=64, seed=1):
    """The mean of the embeddings of token numbers (n, length); `masked` leaves out those that were filled up."""
    random = np.random.default_rng(seed)
    weights = {"w": random.normal(size=(words, width)).astype(np.float32), "words": np.array(words, np.int64)}
    nodes = [
        helper.make_node("Mod", ["input_ids", "words"], ["known"]),
        helper.make_node("Gather", ["w", "known"], ["rows"]),
    ]
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "tokens"])]
    if masked:
        inputs.append(helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "tokens"]))
        weights["last"] = np.array([2], np.int64)
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
            helper.make_node("Mul", ["rows", "column"], ["kept"]),
        ]
    nodes.append(helper.make_node("ReduceMean", ["kept" if masked else "rows"], [output], axes=[1], keepdims=0))
    return onnx_file(nodes, inputs, [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", width])], weights)


def tokenizer_file():
    """A tokenizer of a few words, with marks at both ends, as the hub's tokenizer.json."""
    words = ["<start>", "<end>", "<unknown>", "a", "red", "car", "dog", "on", "grass"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unknown>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 0), ("<end>", 1)]
    )
    return tokenizer.to_str().encode()


def towers_of(card):
    """The files that a card's real ones are stood in for by, by role."""
    (vector, width), *_ = card["vectors"].items()
    tensor = card.get("outputs", {}).get(vector, vector)
    kind = "classes" if tensor.startswith("before:") else "tokens" if card.get("pooling") == "first" else "rows"
    output = tensor.removeprefix("before:")
    found = {"image": image_tower(card["prepare"]["side"], output, width, kind=kind, input_name=card["input"])}
    if "text" in card:
        masked = card["name"].startswith("clip")
        found |= {"text": text_tower(card["text"]["output"], width, masked=masked), "tokenizer": tokenizer_file()}
    return found


@pytest.fixture
def known(hub, tmp_path, monkeypatch):
    """Return known(name) -> files by role: the real card, with the digests of generated files, which the hub serves."""
    folder = tmp_path / "known"
    folder.mkdir()
    monkeypatch.setattr("lookalike.describers.cards.KNOWN", folder)

    def publish(name):
        card = json.loads((KNOWN / f"{name}.json").read_text("utf-8"))
        towers = towers_of(card)
        for role, file in card["files"].items():
            if "repository" in file:
                hub.files[file["repository"], file["path"]] = towers[role]
            if file.get("sha256"):
                file["sha256"] = hashlib.sha256(towers[role]).hexdigest()
        (folder / f"{name}.json").write_text(json.dumps(card), "utf-8")
        return towers

    return publish


@pytest.fixture
def make():
    """The makers of generated files."""
    return SimpleNamespace(image_tower=image_tower, text_tower=text_tower, tokenizer_file=tokenizer_file)


@pytest.fixture(scope="session")
def book():
    """A wordbook on four axes: tabby, tiger cat, kitchen, and the red that garments have."""
    from lookalike.describers.vocabulary import Vocabulary, Wordbook

    axes = np.eye(4, dtype=np.float32)

    def vocabulary(name, names, columns, gate, offset, aside=False):
        weights = np.stack([8 * axes[column] for column in columns], axis=1)
        return Vocabulary(name, names, weights, np.zeros(len(names), np.float32), np.float32(gate), offset, aside)

    return Wordbook(
        (
            vocabulary("imagenet", ("tabby, tabby cat", "tiger cat"), (0, 1), (8, 8, 0, 0), -4.0),
            vocabulary("rooms", ("kitchen", "hall"), (2, 3), (0, 0, 8, 0), -4.0),
            vocabulary("media", ("photo", "sketch"), (2, 3), (0, 0, 0, 0), 30.0, aside=True),
        ),
        np.stack([axes[0], axes[1], (axes[0] + axes[1]) / np.float32(2**0.5), axes[2], axes[3]]),
        {"tabby": 0, "tiger cat": 1, "cat": 2, "kitchen": 3, "red": 4, "cyan": 3},
        {"red": 4, "cyan": -1},
        {"red": ("ff0000",), "cyan": ("00ffff", "40e0f0")},
        {"cat": (0, 1)},
    )
