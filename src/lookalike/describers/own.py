"""Models that have no card here: `onnx:FILE`, the user's own, and `hf:OWNER/REPO`, a repository of the hub.

Their cards are made from what lies beside the ONNX file (a card, a preprocessor_config.json) and from the graph itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lookalike.describers.graph import Graph, Tensor, read_graph
from lookalike.describers.modelcard import ModelCard, read_card
from lookalike.describers.weights import digest_of, models_folder, refuse
from lookalike.errors import ModelMissing, ModelUnusable

__all__ = ["HUB_PREFIX", "ONNX_PREFIX", "fetched_repositories", "hub_card", "hub_folder", "onnx_card"]

HUB_PREFIX = "hf:"
ONNX_PREFIX = "onnx:"
_FOLDER = "hf--"
_IMAGE_OUTPUTS = (
    "meaning",
    "image_embeds",
    "pooler_output",
    "embedding",
    "embeddings",
    "features",
    "last_hidden_state",
)
_TEXT_OUTPUTS = ("text_embeds", "pooler_output", "embedding", "embeddings", "last_hidden_state")
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_RESAMPLE = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers, which the hub's files use
_ENDLESS = 10_000  # tokenizers without a limit state one beyond this


def onnx_card(name: str) -> ModelCard:
    """Return the card of `onnx:FILE`. Raises ModelMissing, ModelUnusable.

    FILE.json beside it, if there, is a card whose fields go over what the graph says; every field may be left out.
    """
    path = Path(name.removeprefix(ONNX_PREFIX)).expanduser().absolute()
    if not path.is_file():
        raise ModelMissing(name, str(path.parent), [path.name], "Check the path, or put the file")
    card = _card_of(f"{ONNX_PREFIX}{path.name}", path, {})
    card["files"]["image"]["sha256"] = digest_of(path)
    beside = _json(path.with_suffix(".json"), name)
    for field in ("files", "prepare"):
        card[field] = {**card[field], **beside.pop(field, {})}
    return _read({**card, **beside}, path.parent)


def hub_card(name: str) -> ModelCard:
    """Return the card of `hf:OWNER/REPO`, whose files were fetched or brought. Raises ModelMissing, ModelUnusable."""
    folder = hub_folder(name)
    path = folder / "image.onnx"
    if not path.is_file():
        bring = (
            "image.onnx",
            "preprocessor_config.json",
            "config.json",
            "text.onnx and tokenizer.json, if it has them",
        )
        raise ModelMissing(name, str(folder), bring)
    config = _json(folder / "config.json", name)
    card = _card_of(name, path, config)
    preparation = _json(folder / "preprocessor_config.json", name)
    if preparation:
        card["prepare"] = _preparation(name, preparation, card["prepare"])
    if (folder / "text.onnx").is_file() and (folder / "tokenizer.json").is_file():
        card["files"] |= {"text": {"name": "text.onnx"}, "tokenizer": {"name": "tokenizer.json"}}
        card["text"] = _text_tower(name, folder, config)
    for path in sorted(folder.glob("*data")):
        card["files"][f"data {path.name}"] = {"name": path.name}
    return _read(card, folder)


def hub_folder(name: str) -> Path:
    """Return where the files of `hf:OWNER/REPO` (or `hf:OWNER/REPO/FILE.onnx`) are kept."""
    return models_folder() / (_FOLDER + name.removeprefix(HUB_PREFIX).replace("/", "--"))


def fetched_repositories() -> list[str]:
    """Return the names of all `hf:` models on this machine, ascending."""
    found = models_folder().glob(f"{_FOLDER}*/image.onnx")
    return sorted(HUB_PREFIX + path.parent.name.removeprefix(_FOLDER).replace("--", "/") for path in found)


def _read(card: Mapping[str, Any], folder: Path) -> ModelCard:
    try:
        found = read_card(card, folder)
        if min(found.vectors.values()) < 1:
            advice = 'Write {"vectors": {"meaning": WIDTH}} into a card beside it: see docs/models.md.'
            raise ModelUnusable(card["name"], "its file leaves the width of its vector open", advice)
        return found
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelUnusable(card["name"], f"its card can't be read ({error!r})", "See docs/models.md.") from None


def _card_of(name: str, path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card, as JSON values, of what the graph says, and of what the repository's config adds."""
    graph = _graph(name, path)
    picture = next((one for one in graph.inputs if len(one.shape) == 4), None)
    if picture is None:
        raise ModelUnusable(name, "none of its inputs is a batch of pictures (four axes)")
    output = _chosen(graph.outputs, _IMAGE_OUTPUTS)
    vector = {"outputs": {"meaning": output.name}, "pooling": "first" if len(output.shape) == 3 else "none"}
    width = output.shape[-1] if output.shape else 0
    if output.name == "logits":
        vector, width = {"outputs": {"meaning": "before:logits"}}, (config.get("hidden_sizes") or [0])[-1]
    width = width or config.get("projection_dim") or config.get("hidden_size") or 0
    return {
        "name": name,
        "version": 1,
        "license": "see its source",
        "files": {"image": {"name": path.name}},
        "input": picture.name,
        "prepare": _input_of(picture),
        "vectors": {"meaning": width},
        **vector,
    }


def _graph(name: str, path: Path) -> Graph:
    refuse(name, path)
    try:
        return read_graph(path)
    except (OSError, ValueError) as error:
        raise ModelUnusable(name, f"{path.name} can't be read: {error}") from None


def _input_of(picture: Tensor) -> dict[str, Any]:
    channels_last = picture.shape[3] == 3 and picture.shape[1] != 3
    sides = picture.shape[1:3] if channels_last else picture.shape[2:4]
    layout = "nhwc" if channels_last else "nchw"
    return {"side": max(sides) or 224, "layout": layout, **({} if picture.type == "uint8" else _IMAGENET)}


def _chosen(outputs: Sequence[Tensor], wanted: Sequence[str]) -> Tensor:
    by_name = {one.name: one for one in outputs}
    return next((by_name[name] for name in wanted if name in by_name), outputs[0])


def _preparation(name: str, config: Mapping[str, Any], graph: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a preprocessor_config.json says, in a card's words."""
    resample = config.get("resample", 2)
    if resample not in _RESAMPLE or abs(config.get("rescale_factor", 1 / 255) - 1 / 255) > 1e-6:
        raise ModelUnusable(name, "its preprocessor resamples or scales in a way that is not known here")
    found: dict[str, Any] = {"layout": graph["layout"], "resample": _RESAMPLE[resample]}
    if config.get("do_normalize", True):
        found |= {key: config.get(f"image_{key}", _IMAGENET[key]) for key in ("mean", "std")}
    else:
        found |= {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    size = _side(config.get("size"), graph["side"])
    whole = isinstance(config.get("size"), dict) and "shortest_edge" not in config["size"]
    crop = _side(config.get("crop_size"), 0) if config.get("do_center_crop", "crop_size" in config) else 0
    if "crop_pct" in config and size < 384:  # as ConvNextImageProcessor does
        return {**found, "side": size, "fit": "crop", "shorter": int(size / config["crop_pct"])}
    if whole and not crop:
        return {**found, "side": size, "fit": "squash"}
    if crop > size:
        raise ModelUnusable(name, f"its preprocessor crops {crop} pixels out of {size}")
    return {**found, "side": crop or size, "fit": "crop", "shorter": size}


def _side(size: Any, default: int) -> int:
    if isinstance(size, dict):
        size = size.get("shortest_edge") or size.get("height")
    return int(size or default)


def _text_tower(name: str, folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    graph = _graph(name, folder / "text.onnx")
    tokenizer, settings = (_json(folder / file, name) for file in ("tokenizer.json", "tokenizer_config.json"))
    stated = settings.get("model_max_length") or _ENDLESS
    in_graph = next((one.shape[1] for one in graph.inputs if one.name == "input_ids" and len(one.shape) == 2), 0)
    in_config = config.get("text_config", {}).get("max_position_embeddings", 0)
    return {
        "output": _chosen(graph.outputs, _TEXT_OUTPUTS).name,
        "length": in_graph or in_config or (int(stated) if stated < _ENDLESS else 64),
        "pad": _pad(tokenizer, settings),
        "lowercase": str(config.get("model_type", "")).startswith("siglip"),
    }


def _pad(tokenizer: Mapping[str, Any], settings: Mapping[str, Any]) -> int:
    if tokenizer.get("padding"):
        return int(tokenizer["padding"]["pad_id"])
    word = settings.get("pad_token")
    word = word.get("content") if isinstance(word, dict) else word
    return next((int(one["id"]) for one in tokenizer.get("added_tokens", ()) if one["content"] == word), 0)


def _json(path: Path, model: str) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnusable(model, f"{path.name} can't be read ({error})") from None
    if not isinstance(found, dict):
        raise ModelUnusable(model, f"{path.name} holds no JSON object")
    return found
