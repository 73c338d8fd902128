"""Stores, workspaces, records and questions that can't be served."""

from __future__ import annotations

from collections.abc import Sequence

from lookalike.errors.base import InvalidArgument, LookalikeError

__all__ = [
    "BackupUnreadable",
    "CatalogFailed",
    "CollectionClosed",
    "CollectionExists",
    "CollectionNotFound",
    "ImportUnreadable",
    "InvalidFilter",
    "InvalidName",
    "InvalidRecord",
    "MoveFailed",
    "RecordNotFound",
    "SettingFixed",
    "ShapeMismatch",
    "StoreError",
    "StoreFailed",
    "StoreUnreadable",
    "TrialExists",
    "TrialOver",
    "UnknownVector",
    "WorkspaceError",
    "WorkspaceLocked",
    "WorkspaceUnreadable",
    "WouldOverwrite",
]


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
    """The files of a store are damaged, not a store, or of a newer version."""

    code = "store_unreadable"

    def __init__(
        self, path: str, reason: str, advice: str = "Restore it from a backup, or delete the collection"
    ) -> None:
        self.path, self.reason, self.advice = path, reason, advice
        super().__init__(f"The store at {path} can't be opened: {reason}. {advice}.")


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


class CatalogFailed(WorkspaceError):
    """The catalog's database refused an operation (disk full, server gone). What was acknowledged before is kept."""

    code = "catalog_failed"

    def __init__(self, place: str, reason: str) -> None:
        self.place, self.reason = place, reason
        super().__init__(f"The catalog at {place} failed: {reason}. Nothing acknowledged before is lost; try again.")


class CollectionNotFound(WorkspaceError):
    """No collection bears this name."""

    code = "collection_not_found"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        have = f"There are: {', '.join(known)}." if known else "There are none yet."
        super().__init__(f"There is no collection {name!r}. {have} Make one with `lookalike index DIR -C {name}`.")


class CollectionClosed(WorkspaceError):
    """The collection was dropped, or its workspace closed, while it was used."""

    code = "collection_closed"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Collection {name!r} was dropped or closed meanwhile. Get it from an open workspace again.")


class CollectionExists(WorkspaceError):
    """The name is taken."""

    code = "collection_exists"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"A collection {name!r} exists already. Choose another name, or drop that one first.")


class WouldOverwrite(WorkspaceError):
    """What is there would be lost, and nobody said that it may; `what` names it."""

    code = "would_overwrite"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} would be overwritten. Say so with --force (force=True in Python), or choose another.")


class BackupUnreadable(WorkspaceError):
    """No backup, one of a newer version, or a damaged one; nothing was restored."""

    code = "backup_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"The backup {path} can't be restored: {reason}. Nothing was changed.")


class MoveFailed(WorkspaceError):
    """A copied collection is not what the original is; it is not in the target's catalog."""

    code = "move_failed"

    def __init__(self, collection: str, reason: str) -> None:
        self.collection, self.reason = collection, reason
        super().__init__(
            f"The copy of collection {collection!r} differs: {reason}. "
            f"Stop whoever writes to either workspace, and move again: it goes on from here."
        )


class InvalidName(WorkspaceError):
    """A collection name that could not be a folder or a URL segment."""

    code = "invalid_name"

    def __init__(self, name: str) -> None:
        self.name = name
        allowed = "1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit"
        super().__init__(f"{name!r} can't name a collection. Use {allowed}.")


class SettingFixed(InvalidArgument):
    """A setting of a collection that can't change once records may have been described by it."""

    code = "setting_fixed"

    def __init__(self, collection: str, name: str, value: object) -> None:
        self.collection = collection
        super().__init__(name, value, f"left as collection {collection!r} was made; for another, make a new collection")


class TrialExists(LookalikeError):
    """The collection has a trial of this name already."""

    code = "trial_exists"

    def __init__(self, collection: str, name: str) -> None:
        self.collection, self.name = collection, name
        super().__init__(f"Collection {collection!r} has a trial {name!r}. Choose another name, or forget that one.")


class TrialOver(LookalikeError):
    """A trial that was promoted or dropped can't be so again."""

    code = "trial_over"

    def __init__(self, name: str, state: str) -> None:
        self.name, self.state = name, state
        super().__init__(f"The trial {name!r} was {state} already. Start another one, or forget this one.")


class InvalidRecord(LookalikeError):
    """One record can't be taken; the others of its batch are not touched by that."""

    code = "invalid_record"

    def __init__(self, record: str, reason: str) -> None:
        self.record, self.reason = record, reason
        super().__init__(f"Record {record}: {reason}.")


class ImportUnreadable(LookalikeError):
    """A file of records can't be opened, or not be read on; what came before is done."""

    code = "import_unreadable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path} can't be read as records: {reason}. What was read before is kept; import it again.")


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
        super().__init__(f"The filter can't be read at {where}: {reason}{'' if reason.endswith('?') else '.'}")
