"""The model card: everything known of a neural describer, frozen. A new model is a new card, not new code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lookalike.describers.calibration import Calibration

__all__ = ["ModelCard", "ModelFile", "Preparation", "TextTower", "read_card"]

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model.

    name: in the model's folder. repository, revision, path: where the hub has it, empty if only the user can
    bring it. sha256: empty where nobody states it; then it is recorded at first sight and checked ever after.
    megabytes: about; 0 if unknown.
    """

    name: str
    repository: str = ""
    revision: str = "main"
    path: str = ""
    sha256: str = ""
    megabytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a picture becomes the input tensor.

    fit: "squash" the whole picture to side x side, whatever its aspect; or "crop": its shorter side to `shorter`
    pixels, then the middle. resample: "bicubic" and "bilinear" are Pillow's antialiased ones, to the last bit as
    the models' own preprocessors do it; "fast" is `images.resize.fit_square`.
    mean, std: of RGB in [0, 1], taken off and divided by; without them the tensor is raw uint8.
    """

    side: int
    fit: Literal["squash", "crop"] = "squash"
    shorter: int = 0
    resample: Literal["bicubic", "bilinear", "fast"] = "bicubic"
    mean: Triple | None = None
    std: Triple | None = None
    layout: Literal["nchw", "nhwc"] = "nchw"


@dataclass(frozen=True, slots=True)
class TextTower:
    """How words become a vector that is compared with `vector`.

    output: name in the ONNX file. length: tokens, longer texts are cut, shorter ones filled up with the token `pad`.
    """

    output: str
    length: int
    pad: int = 0
    lowercase: bool = False
    vector: str = "meaning"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A neural describer.

    files: role -> file: "image" (ONNX), "text" (ONNX), "tokenizer" (tokenizer.json), "words" (safetensors: what its
    meaning vectors mean), "data..." (what an ONNX file keeps outside itself). vectors: name -> width. outputs: name
    of a vector -> tensor of the ONNX file, if it is called otherwise; "before:NAME" is the first input of the node
    that makes NAME. pooling: how (n, tokens, width) becomes (n, width): the "first" token or their "mean". logits:
    tensor of scores for `labels`, "" if none.
    calibration: vector -> probability curve: "copy" answers "the same picture, edited?", "meaning"
    answers "the same kind of thing?". batch: pictures at once; 1 wherever a row could depend on its neighbors.
    origins: vector -> signature of the model that it was taken over from, unchanged.
    """

    name: str
    version: int
    folder: Path
    files: Mapping[str, ModelFile]
    input: str
    prepare: Preparation
    vectors: Mapping[str, int]
    license: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    pooling: Literal["none", "first", "mean"] = "none"
    logits: str = ""
    labels: tuple[str, ...] = ()
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    text: TextTower | None = None
    batch: int = 1
    by_hand: str = ""
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> Path:
        """The ONNX file of the image tower."""
        return self.folder / self.files["image"].name

    @property
    def sha256(self) -> str:
        """Digest of the image tower's file; empty while it was never seen."""
        return self.files["image"].sha256

    @property
    def input_size(self) -> int:
        """Side of the input, in pixels."""
        return self.prepare.side

    @property
    def readable(self) -> bool:
        """Whether texts can be searched with: any, by a text tower, or words it knows."""
        return self.text is not None or "words" in self.files

    @property
    def signature(self) -> str:
        """Name, version and weights, as stored with every collection: vectors meet only under equal signatures."""
        return f"{self.name}/{self.version}@{self.sha256[:12]}"

    @property
    def megabytes(self) -> float:
        """Size of all files together, about: measured for those that are here."""
        paths = ((self.folder / file.name, file.megabytes) for file in self.files.values())
        return sum(path.stat().st_size / 1e6 if path.is_file() else stated for path, stated in paths)


def read_card(found: Mapping[str, Any], folder: Path, labels: tuple[str, ...] = ()) -> ModelCard:
    """Return the card that JSON values describe. Raises KeyError, TypeError or ValueError if they don't.

    labels: of a card that keeps them elsewhere.
    """
    prepare = dict(found["prepare"])
    for name in ("mean", "std"):
        if prepare.get(name) is not None:
            prepare[name] = tuple(float(value) for value in prepare[name])
    return ModelCard(
        name=found["name"],
        version=int(found["version"]),
        folder=folder,
        files={role: ModelFile(**file) for role, file in found["files"].items()},
        input=found["input"],
        prepare=Preparation(**prepare),
        vectors={name: int(width) for name, width in found["vectors"].items()},
        license=found["license"],
        outputs=found.get("outputs", {}),
        pooling=found.get("pooling", "none"),
        logits=found.get("logits", ""),
        labels=tuple(found.get("labels", labels)),
        calibration={name: Calibration(**curve) for name, curve in found.get("calibration", {}).items()},
        text=TextTower(**found["text"]) if found.get("text") else None,
        batch=int(found.get("batch", 1)),
        by_hand=found.get("by_hand", ""),
        origins=found.get("origins", {}),
    )
