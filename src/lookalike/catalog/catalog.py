"""The catalog put together: one database, one set of verbs for each thing it knows."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from types import TracebackType

from lookalike.catalog.audit import Audit
from lookalike.catalog.collections import Collections
from lookalike.catalog.database import Database
from lookalike.catalog.decisions import Decisions
from lookalike.catalog.feeds import Feeds
from lookalike.catalog.jobs import JobTable
from lookalike.catalog.keys import Keys
from lookalike.catalog.migrations import bring_up_to_date
from lookalike.catalog.trials import TrialTable
from lookalike.catalog.usage import UsageMeter
from lookalike.catalog.users import Users
from lookalike.errors import WorkspaceUnreadable
from lookalike.settings import CATALOG as FILE

__all__ = ["FILE", "Catalog", "open_catalog"]


class Catalog:
    """Safe to call from several threads, and from several processes at once. Every verb raises CatalogFailed.

    A verb that returned is on disk, except counts of usage (see `UsageMeter`).
    """

    def __init__(self, place: str | Path, *, may_begin: bool = True) -> None:
        """Open or create, and bring an older format up to date. place: a SQLite file, or a PostgreSQL URL.

        may_begin: whether it may be new. Raises WorkspaceUnreadable if it is and may not, if it is no catalog, a newer
        one or out of reach; InvalidArgument, MissingExtra.
        """
        self._database = Database(place)
        self.is_shared = not isinstance(place, Path)
        """Whether other services may be using it now."""
        try:
            bring_up_to_date(self._database, may_begin=may_begin)
        except BaseException:
            self._database.close()
            raise
        self.place = self._database.place
        self.collections = Collections(self._database)
        self.decisions = Decisions(self._database)
        self.jobs = JobTable(self._database)
        self.feeds = Feeds(self._database)
        self.trials = TrialTable(self._database)
        self.keys = Keys(self._database)
        self.users = Users(self._database)
        self.usage = UsageMeter(self._database)
        self.audit = Audit(self._database)

    def erase(self, collection: str, ids: Container[str]) -> int:
        """Forget whatever names these records of a collection, on the disk too; returns how many decisions went."""
        decided = [one for one in self.decisions.list(collection) if any(member in ids for member in one.members)]
        for decision in decided:
            self.decisions.withdraw(decision.id)
        self.jobs.strike(collection, ids)
        self._database.empty_log()
        return len(decided)

    def close(self) -> None:
        """Write the last counts and release the database. Closing twice is allowed."""
        self.usage.close()
        self._database.close()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_catalog(workspace: Path, url: str = "") -> Catalog:
    """Open the catalog of a workspace, also while a service holds the workspace (keys and users, say).

    url: where the catalog is, if not in the workspace. Makes the folder if it is missing.
    Raises as `Catalog` does, and for a folder of other things.
    """
    if url:
        return Catalog(url)
    if not (workspace / FILE).is_file() and workspace.is_dir() and any(workspace.iterdir()):
        raise WorkspaceUnreadable(str(workspace), "the folder holds other things; choose an empty one")
    try:
        workspace.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is known of pictures is as private as they are
    except OSError as error:
        raise WorkspaceUnreadable(str(workspace), error.strerror or str(error)) from None
    stores = workspace / "collections"
    return Catalog(workspace / FILE, may_begin=not (stores.is_dir() and any(stores.iterdir())))
