"""Everything Lookalike raises on purpose.

    LookalikeError
    ├── ImageError                    one picture can't be used; the others go on
    │   ├── SourceNotFound            no such file, or a string that is no picture
    │   ├── ImageUnreadable           the bytes are not a picture we can decode
    │   └── ImageTooLarge             refused by its size before decoding
    ├── FolderError                   a folder can't be walked
    │   ├── FolderNotFound
    │   └── NoImagesFound
    ├── ModelError                    a describer can't be had
    │   ├── UnknownModel
    │   ├── ModelMissing              its files are not on this machine
    │   ├── ModelUnusable             a file is none that we open, or doesn't say what it needs
    │   ├── FetchFailed               the hub didn't give what was asked for
    │   ├── WeightsCorrupt
    │   ├── NoTextTower               the model knows pictures only
    │   └── ModelMismatch             vectors of different models or versions would meet
    ├── StoreError                    rows can't be kept or found
    │   ├── ShapeMismatch
    │   ├── UnknownVector
    │   ├── StoreUnreadable
    │   └── StoreFailed               the engine or the disk refused
    ├── WorkspaceError
    │   ├── WorkspaceLocked
    │   ├── WorkspaceUnreadable
    │   ├── CollectionNotFound
    │   ├── CollectionExists
    │   └── InvalidName
    ├── InvalidRecord                 one record can't be taken; the others go on
    ├── RecordNotFound
    ├── InvalidFilter
    ├── InvalidArgument               a number or a word outside its range
    ├── AccessDenied                  a missing or wrong key
    └── MissingExtra                  an optional part is not installed

Each class is one thing a caller would do differently. `code` is public and permanent: branch on it, never on
the sentence. Facts are fields; sentences say what happened, the limit, and the way out. No HTTP in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = [
    "AccessDenied",
    "CollectionExists",
    "CollectionNotFound",
    "FetchFailed",
    "FolderError",
    "FolderNotFound",
    "ImageError",
    "ImageTooLarge",
    "ImageUnreadable",
    "InvalidArgument",
    "InvalidFilter",
    "InvalidName",
    "InvalidRecord",
    "LookalikeError",
    "MissingExtra",
    "ModelError",
    "ModelMismatch",
    "ModelMissing",
    "ModelUnusable",
    "NoImagesFound",
    "NoTextTower",
    "RecordNotFound",
    "ShapeMismatch",
    "SourceNotFound",
    "StoreError",
    "StoreFailed",
    "StoreUnreadable",
    "UnknownModel",
    "UnknownVector",
    "WeightsCorrupt",
    "WorkspaceError",
    "WorkspaceLocked",
    "WorkspaceUnreadable",
]


class LookalikeError(Exception):
    """The root of everything Lookalike raises on purpose."""

    code = "error"


class ImageError(LookalikeError):
    """One picture can't be used. `source` names it; `reason` is the short cause for lists."""

    code = "image_error"

    def __init__(self, source: str, reason: str, advice: str = "") -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}.{' ' + advice if advice else ''}")


class SourceNotFound(ImageError):
    """There is nothing where the source points."""

    code = "source_not_found"

    def __init__(self, source: str, reason: str = "no such file") -> None:
        super().__init__(source, reason, "Give a path, bytes, base64, a data URI, a PIL image or an array.")


class ImageUnreadable(ImageError):
    """The bytes are not a picture in a format we decode, or they are damaged."""

    code = "image_unreadable"


class ImageTooLarge(ImageError):
    """The picture is over a limit; nothing was decoded. `unit` is "pixels" or "bytes"."""

    code = "image_too_large"

    def __init__(self, source: str, *, size: int, limit: int, unit: str) -> None:
        self.size, self.limit, self.unit = size, limit, unit
        reason = f"{size:,} {unit}, over the limit of {limit:,}"
        super().__init__(source, reason, f"Resize it, or raise the limit (LOOKALIKE_MAX_{unit.upper()}).")


class FolderError(LookalikeError):
    """A folder can't be walked."""

    code = "folder_error"

    def __init__(self, folder: str, sentence: str) -> None:
        self.folder = folder
        super().__init__(sentence)


class FolderNotFound(FolderError):
    """The path is no folder."""

    code = "folder_not_found"

    def __init__(self, folder: str) -> None:
        super().__init__(folder, f"{folder} is not a folder. Check the path.")


class NoImagesFound(FolderError):
    """The folder holds nothing that looks like a picture."""

    code = "no_images_found"

    def __init__(self, folder: str, files: int, extensions: Iterable[str] = ()) -> None:
        self.files = files
        known = ", ".join(sorted(extensions))
        what = "is empty" if files == 0 else f"holds {files:,} files but no pictures"
        super().__init__(folder, f"{folder} {what}. Pictures are files ending in {known}.")


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


class ModelMismatch(ModelError):
    """Vectors of different models or versions would meet in one collection."""

    code = "model_mismatch"

    def __init__(self, collection: str, wants: str, got: str) -> None:
        self.collection, self.wants, self.got = collection, wants, got
        super().__init__(
            f"Collection {collection!r} was described by {wants}, this installation has {got}. "
            f"Their vectors can't be compared: index the pictures again into a new collection."
        )


class StoreError(LookalikeError):
    """Rows can't be kept or found."""

    code = "store_error"


class ShapeMismatch(StoreError):
    """An array has another shape than its place requires."""

    code = "shape_mismatch"

    def __init__(self, what: str, *, expected: Sequence[int], got: Sequence[int]) -> None:
        self.what, self.expected, self.got = what, tuple(expected), tuple(got)
        super().__init__(f"{what} has shape {self.got}; expected {self.expected}.")


class UnknownVector(StoreError):
    """The store keeps no vector of this name."""

    code = "unknown_vector"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(f"There is no vector named {name!r} here. Known: {', '.join(known)}.")


class StoreUnreadable(StoreError):
    """The files of a store are damaged or not a store."""

    code = "store_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The store at {path} can't be opened: {reason}.")


class StoreFailed(StoreError):
    """The engine refused an operation (disk full, for one). What was acknowledged before is kept."""

    code = "store_failed"

    def __init__(self, operation: str, reason: str) -> None:
        self.operation, self.reason = operation, reason
        super().__init__(f"The store could not {operation}: {reason}. Nothing acknowledged before is lost.")


class WorkspaceError(LookalikeError):
    """A workspace or one of its collections can't be used."""

    code = "workspace_error"


class WorkspaceLocked(WorkspaceError):
    """Another process holds the workspace; one process at a time may."""

    code = "workspace_locked"

    def __init__(self, path: str, holder: str) -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"The workspace {path} is in use by {holder}. "
            f"Stop that process, ask its HTTP service instead, or choose another with --workspace."
        )


class WorkspaceUnreadable(WorkspaceError):
    """The folder is not a workspace, or one of a newer version."""

    code = "workspace_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} can't be opened as a workspace: {reason}.")


class CollectionNotFound(WorkspaceError):
    """No collection bears this name."""

    code = "collection_not_found"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        have = f"There are: {', '.join(known)}." if known else "There are none yet."
        super().__init__(f"There is no collection {name!r}. {have} Make one with `lookalike index DIR -C {name}`.")


class CollectionExists(WorkspaceError):
    """The name is taken."""

    code = "collection_exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"A collection {name!r} exists already. Choose another name, or drop that one first.")


class InvalidName(WorkspaceError):
    """A collection name that could not be a folder or a URL segment."""

    code = "invalid_name"

    def __init__(self, name: str) -> None:
        self.name = name
        allowed = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        super().__init__(f"{name!r} can't name a collection. Use {allowed}.")


class InvalidRecord(LookalikeError):
    """One record can't be taken; the others of its batch are not touched by that."""

    code = "invalid_record"

    def __init__(self, record: str, reason: str) -> None:
        self.record, self.reason = record, reason
        super().__init__(f"Record {record}: {reason}.")


class RecordNotFound(LookalikeError):
    """The collection holds no record of this id."""

    code = "record_not_found"

    def __init__(self, collection: str, id: str) -> None:  # noqa: A002 - the word users know
        self.collection, self.id = collection, id
        super().__init__(f"Collection {collection!r} has no record {id!r}. List them with `lookalike collection show`.")


class InvalidFilter(LookalikeError):
    """A filter that means nothing; `where` is the offending part."""

    code = "invalid_filter"

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"The filter can't be read at {where}: {reason}.")


class InvalidArgument(LookalikeError):
    """A value outside its range; `allowed` says what would do."""

    code = "invalid_argument"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        self.name, self.value, self.allowed = name, value, allowed
        super().__init__(f"{name} is {value!r}; it must be {allowed}.")


class AccessDenied(LookalikeError):
    """The key is missing or wrong."""

    code = "access_denied"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}. Send the key printed when the service started as `Authorization: Bearer KEY`.")


class MissingExtra(LookalikeError):
    """An optional part is not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        super().__init__(f"{what} needs an extra: pip install 'lookalike[{extra}]'.")
