"""Describers that can't be had."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.errors.base import LookalikeError

__all__ = [
    "FetchFailed",
    "ModelError",
    "ModelMismatch",
    "ModelMissing",
    "ModelUnusable",
    "NoTextTower",
    "TaggerMismatch",
    "TaggerUnusable",
    "UnknownModel",
    "UnknownWords",
    "WeightsCorrupt",
]


class ModelError(LookalikeError):
    """A describer can't be had."""

    code = "model_error"


class UnknownModel(ModelError):
    """No card bears this name."""

    code = "unknown_model"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"There is no model named {name!r}. Known: {', '.join(known)}.")


class ModelMissing(ModelError):
    """The model's files are not on this machine. `bring`: each one's name and where the hub has it."""

    code = "model_missing"

    def __init__(self, model: str, folder: str, bring: Sequence[str], advice: str = "") -> None:
        self.model, self.folder, self.bring = model, folder, tuple(bring)
        way = advice or f"Fetch it with `lookalike models fetch {model}`, or put these files"
        super().__init__("\n  ".join([f"The model {model} is not on this machine. {way} into {folder}:", *bring]))


class ModelUnusable(ModelError):
    """A model that can't be used as it is: not ONNX, or it doesn't say what is needed to run it."""

    code = "model_unusable"

    def __init__(self, model: str, reason: str, advice: str = "") -> None:
        self.model, self.reason = model, reason
        super().__init__(f"The model {model} can't be used: {reason}.{' ' + advice if advice else ''}")


class FetchFailed(ModelError):
    """The hub can't be reached, has no such file, or sent another one than the card states."""

    code = "fetch_failed"

    def __init__(self, url: str, reason: str, advice: str = "") -> None:
        self.url, self.reason = url, reason
        super().__init__(f"{url} could not be fetched: {reason}.{' ' + advice if advice else ''}")


class WeightsCorrupt(ModelError):
    """A weights file is missing, or its digest is not the one its card states."""

    code = "weights_corrupt"

    def __init__(self, model: str, path: str, reason: str, advice: str = "Install the package again.") -> None:
        self.model, self.path, self.reason = model, path, reason
        super().__init__(f"The weights of {model} at {path} can't be used: {reason}. {advice}")


class NoTextTower(ModelError):
    """The model describes pictures only; `able` names models that read words too."""

    code = "no_text_tower"

    def __init__(self, model: str, able: Sequence[str]) -> None:
        self.model, self.able = model, tuple(able)
        super().__init__(f"{model} can't read words. Models that can: {', '.join(able)} (`lookalike models list`).")


class UnknownWords(ModelError):
    """A text has no word that the model knows; `able` names models that read free text."""

    code = "unknown_words"

    def __init__(self, model: str, words: Sequence[str], able: Sequence[str]) -> None:
        self.model, self.words, self.able = model, tuple(words), tuple(able)
        super().__init__(
            f"{model} knows no word of this: {', '.join(words)}. It knows names of things, places, materials, styles "
            f"and colors; models that read any text: {', '.join(able)} (`lookalike models list`)."
        )


class ModelMismatch(ModelError):
    """Vectors of different models or versions would meet in one collection."""

    code = "model_mismatch"

    def __init__(self, collection: str, wants: str, got: str) -> None:
        self.collection, self.wants, self.got = collection, wants, got
        super().__init__(
            f"Collection {collection!r} was described by {wants}, this installation has {got}. "
            f"Their vectors can't be compared: index the pictures again into a new collection."
        )


class TaggerUnusable(ModelError):
    """A tagger's folder is missing, altered, or of another version."""

    code = "tagger_unusable"

    def __init__(self, folder: str, reason: str, advice: str = "") -> None:
        self.folder, self.reason = folder, reason
        super().__init__(f"The tagger {folder} can't be used: {reason}.{' ' + advice if advice else ''}")


class TaggerMismatch(ModelError):
    """A tagger would read vectors of another model than the one it learned from."""

    code = "tagger_mismatch"

    def __init__(self, tagger: str, wants: str, got: str) -> None:
        self.tagger, self.wants, self.got = tagger, wants, got
        super().__init__(
            f"The tagger {tagger!r} reads vectors of {wants}, these are of {got}. "
            f"Train it again with this model, or describe the pictures by the other one."
        )
