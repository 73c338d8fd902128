"""A collection: a named set of picture records that can be added to, searched and kept in step with its sources."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lookalike.catalog import CollectionInfo
from lookalike.checking import Checker
from lookalike.deduplication import Linkage, Rules, duplicate_groups
from lookalike.describers.cache import user_cache
from lookalike.describers.ensemble import Ensemble
from lookalike.erasure import erase
from lookalike.errors import InvalidArgument, ModelMismatch
from lookalike.holdings import Holdings, check_ids
from lookalike.images.sources import check_several
from lookalike.intake import RawRecord
from lookalike.likeness import Judge
from lookalike.records import (
    Added,
    DuplicateGroup,
    Erased,
    Existing,
    Imported,
    Matches,
    Redescribed,
    Resemblance,
)
from lookalike.redescribe import ReadPicture, Redescription
from lookalike.removed import Removal, Removed, as_given, chosen_rows, parts_of, put_back, removed_folder
from lookalike.retagging import retagged
from lookalike.search import MAX_RANKED, Query, Searcher, TargetReader
from lookalike.settings import Settings
from lookalike.stores.base import Store
from lookalike.transfer import (
    ImportRules,
    import_steps,
    prepared,
    read_lines,
    summed,
)
from lookalike.upsert import Progress, Tally, Writer, automatic

__all__ = ["Collection"]


class Home(Protocol):
    """What a collection's workspace does for it: changes of model, and trials; see the collection's own verbs."""

    def redescribe(
        self, collection: Collection, model: str, read: ReadPicture | None, *, anyway: bool
    ) -> Redescription: ...
    def rollback(self, collection: Collection, *, anyway: bool) -> Redescribed: ...
    def finish(self, collection: Collection) -> None: ...
    def try_out(self, collection: Collection, query: Query, trial: str, visitor: str | None) -> Matches: ...


class Collection(Holdings):
    """Made by a workspace. Safe to call from several threads; writes take turns."""

    _ensemble: Ensemble
    _check_model: Callable[[], None]
    _writer: Writer
    _searcher: Searcher
    _judge: Judge

    def __init__(
        self, info: CollectionInfo, store: Store, ensemble: Ensemble, settings: Settings, home: Home | None = None
    ) -> None:
        """home: who changes its model; None for one that can't change it."""
        self.name = info.name
        self._settings, self._home = settings, home
        self._writing = threading.Lock()
        self._closed = False
        self.adopt(info, store, ensemble, ensemble)

    def configure(self, info: CollectionInfo) -> None:
        """Follow an entry of the catalog from now on; `Workspace.configure` changes the entry."""
        self.adopt(info, self._store, self._ensemble, self._writer.ensemble)

    def adopt(self, info: CollectionInfo, store: Store, ensemble: Ensemble, describing: Ensemble) -> None:
        """Go on with another entry, store and describers, all at once: a search has either the old or the new.

        describing: makes the descriptions of new pictures; more of them than `ensemble` during a change of model.
        """
        check = partial(_check_model, info, ensemble)
        reader = TargetReader(info.name, store, ensemble, self._settings, info.settings, check)
        writer = Writer(store, describing, self._settings, info.settings.by, self._writing, latest=lambda: self._writer)
        judge = Judge.of(ensemble.curves, info.settings)
        parts = {"_store": store, "_ensemble": ensemble, "_check_model": check, "_judge": judge}
        self.__dict__.update(parts, info=info, _writer=writer, _searcher=Searcher(reader))

    @property
    def writing(self) -> threading.Lock:
        """Held while records are written; whoever holds it sees none change."""
        return self._writing

    @property
    def by(self) -> str:
        """The description that searches use unless told otherwise."""
        return self.settings.by

    @property
    def is_current(self) -> bool:
        """Whether this installation's describers are those that described the collection."""
        return self.info.signatures.items() <= self._ensemble.signatures.items()

    def add(
        self,
        records: Iterable[RawRecord],
        *,
        existing: Existing = "merge",
        tags: bool | None = None,
        progress: Progress | None = None,
    ) -> Added:
        """Insert records, or update those whose `_id` exists; describe only pictures whose bytes are new.

        records: as in `intake.RawRecord`: mappings with `_id`, one of `_file`, `_url`, `_base64`, `_image`, `_vector`,
        and any metadata; or paths. existing: what becomes of records that are there: "merge" lays the given metadata
        over the old, "replace" leaves nothing of the old, "skip" leaves the record, "refuse" lists it as failed.
        tags: give new pictures without tags their labels as tags; default as `auto_tags` says. False: nothing at all.
        A record that can't be taken is listed in `failed` and the others go on. What was written stays, whatever
        happens later. Raises ModelMismatch, TaggerUnusable, InvalidArgument, StoreFailed, CollectionClosed.
        """
        check_several("records", records)
        self._check_model()
        tally = Tally()
        with self._answering():
            self._writer.rule(existing, automatic(self.settings, tags, self._settings.workspace)).write(
                records, tally, progress or (lambda count: None)
            )
        return Added(tally.inserted, tally.updated, tally.skipped, tally.failed)

    def update(self, records: Iterable[Mapping[str, Any]], *, replace: bool = False) -> Added:
        """Change metadata of existing records without touching their pictures.

        Given fields are laid over old ones, those named in a record's `$unset` go; with `replace`, all old ones go.
        Records that don't exist, or bring a picture, are listed in `failed`. Raises InvalidArgument, StoreFailed,
        CollectionClosed.
        """
        check_several("records", records)
        tally = Tally()
        with self._answering():
            self._writer.rule("replace" if replace else "merge").update(records, tally)
        return Added(updated=tally.updated, failed=tally.failed)

    def delete(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> int:
        """Delete by ids or by filter (exactly one of them); returns how many records went. Pictures stay on disk."""
        if (ids is None) == (where is None):
            raise InvalidArgument("delete", "both or neither", "given either ids or where")
        check_ids(ids or ())
        with self._answering(), self._writing:
            return self._store.delete_where(self._filter(where)) if ids is None else self._store.delete(ids)

    def remove(self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None) -> Removal | None:
        """Delete by ids or by filter (exactly one of them), and keep what went for `removed.KEPT_DAYS` days.

        None where there was nothing to delete. Raises InvalidFilter, InvalidArgument, StoreFailed; nothing is deleted
        then that was not kept.
        """
        if (ids is None) == (where is None):
            raise InvalidArgument("remove", "both or neither", "given either ids or where")
        check_ids(ids or ())
        with self._answering(), self._writing:
            chosen = chosen_rows(self._store, ids, self._filter(where))
            kept, gone = self._removed.keep(chosen, self.info.signatures)
            for some in parts_of(gone):
                self._store.delete(some)
        return kept

    def removals(self) -> list[Removal]:
        """Return what was removed and can still be brought back, the newest first."""
        return self._removed.all()

    def bring_back(self, removal: str) -> Added:
        """Insert again what was removed: bit for bit, or described anew where the model changed since.

        Records whose `_id` is taken by now are skipped and stay as they are. What can't be described anew, because
        its picture is no longer where it was, is listed in `failed`, and the removal stays. Raises EntryNotFound,
        StoreFailed.
        """
        kept, tally = self._removed.find(removal), Tally()
        with self._answering():
            for rows in self._removed.rows(kept):
                if kept.signatures == self.info.signatures:
                    with self._writing:
                        inserted, there = put_back(self._store, rows)
                    tally.extend(Tally(inserted, skipped=there))
                else:
                    given = (as_given(row, kept.signatures) for row in rows)
                    self._writer.rule("skip").write(given, tally, lambda count: None)
        if not tally.failed:
            self._removed.forget(kept)
        return Added(tally.inserted, tally.updated, tally.skipped, tally.failed)

    def forget(self, removal: str) -> None:
        """Delete what was removed for good. Raises EntryNotFound."""
        self._removed.forget(self._removed.find(removal))

    def erase(
        self, ids: Sequence[str] | None = None, *, where: Mapping[str, Any] | None = None, files: Sequence[Path] = ()
    ) -> Erased:
        """Erase records for good, by ids or by filter (exactly one of them), and return the receipt.

        Unlike `delete` it writes the store anew: erase many at once; what was removed and could be brought back is
        erased as well. `Workspace.erase` also strikes them from decisions
        and knows the folders to search, `files`. Raises InvalidArgument, InvalidFilter, StoreFailed, CollectionClosed.
        """
        if (ids is None) == (where is None):
            raise InvalidArgument("erase", "both or neither", "given either ids or where")
        check_ids(ids or ())
        with self._answering():
            chosen = [record.id for record in self.records(where=where)] if ids is None else ids
            with self._writing:
                self._removed.strike(ids, self._filter(where))
            kept = [*files, self._removed.folder]
            return erase(self._store, chosen, self._writing, files=kept, cache=user_cache())

    def retag(self, *, where: Mapping[str, Any] | None = None, progress: Progress | None = None) -> Added:
        """Ask the collection's taggers, and its `auto_tags`, about records that are there already.

        From the vectors that are stored: no picture is read. What a person wrote stays; what was filled by itself
        and not changed since is replaced, or goes where nothing is said now. Fields that nothing fills stay.
        Returns which were updated and which skipped, because nothing changed or no vectors are there to be read.
        Raises InvalidFilter, ModelMismatch, TaggerUnusable, TaggerMismatch, StoreFailed, CollectionClosed.
        """
        self._check_model()
        chosen = automatic(self.settings, None, self._settings.workspace)
        with self._answering():
            tally = retagged(lambda: self._writer, chosen, self._filter(where), progress or (lambda count: None))
        return Added(updated=tally.updated, skipped=tally.skipped)

    def search(
        self, query: Query | None = None, /, *, trial: str | None = None, visitor: str | None = None, **question: Any
    ) -> Matches:
        """Return the records most like a picture, a record, a vector, words, colors or keywords, best first.

        question: the fields of `search.Query`, as in `search(image="q.jpg", k=10, where={"category": "kitchen"})`;
        or a query made before. A record that is an example does not find itself. trial, visitor: see `Trials.search`.
        Raises RecordNotFound, InvalidFilter, InvalidArgument, UnknownVector, ShapeMismatch, ImageError, ModelError.
        """
        asked = query or Query.of(question)
        if trial is not None:
            return self._at_home.try_out(self, asked, trial, visitor)
        if visitor is not None:
            raise InvalidArgument("visitor", visitor, "given with a trial")
        return self.search_weighing(asked, None)

    def search_weighing(self, query: Query, weights: Mapping[str, float] | None) -> Matches:
        """Search as if these weights were the collection's; None: by its own."""
        with self._answering():
            return self._searcher.weighing(weights).search(query)

    def rank(self, records: Iterable[str | Mapping[str, Any]], *, k: int | None = None, **question: Any) -> Matches:
        """Put up to 1,000 given records in order, best first: ids, or records as `add` takes them.

        A record that brings a picture or a vector is measured by it and need not be in the collection. k: give
        only so many back; default all. question: what is looked for, as in `search`. What can't be measured is
        listed in `failed`.
        """
        check_several("records", records)
        asked = Query.of({"k": MAX_RANKED if k is None else k, **question})
        with self._answering():
            return self._searcher.rank(records, asked)

    def check(
        self, image: Any, *, k: int = 10, where: Mapping[str, Any] | None = None, verify: bool = True
    ) -> list[Resemblance]:
        """Return the at most k records that show this picture as it is, edited, or in another shot; likeliest first.

        verify: of up to 5 doubtful records whose files are here, compare the pixels, as `compare` does.
        Raises ImageError, InvalidFilter, InvalidArgument for k outside 1 to 100, ModelMismatch, CollectionClosed.
        """
        self._check_model()
        checker = Checker(self._store, self._ensemble, self._settings, self._judge)
        with self._answering():
            return checker.check(image, k=k, where=self._filter(where), verify=verify)

    def duplicates(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        probability: float | None = None,
        linkage: Linkage = "average",
        apart: Iterable[tuple[str, str]] = (),
        progress: Progress | None = None,
    ) -> list[DuplicateGroup]:
        """Return the records that show one picture, as groups of two and more, largest first.

        probability: from which two count as the same, default the collection's `threshold`; 1 is equal bytes. linkage:
        by "average" a member is like its whole group; "transitive" joins every chain. apart: pairs said to differ.
        Raises InvalidFilter, InvalidArgument, CollectionClosed.
        """
        least = self.settings.threshold if probability is None else probability
        rules = Rules(self._filter(where), least, linkage, frozenset(apart))
        with self._answering():
            return duplicate_groups(self._store, self._judge, rules, progress)

    def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        rules: ImportRules = ImportRules(),
        progress: Progress | None = None,
        cancel: Callable[[], bool] = lambda: False,
    ) -> Imported:
        """Import records from JSON lines (also .gz), a JSON array, CSV or Parquet, and return what became of them.

        What can't be taken is listed, what is there is skipped. cancel: asked every 1,000 lines.
        Raises ImportUnreadable, InvalidArgument, MissingExtra, ModelMismatch, StoreFailed, CollectionClosed.
        """
        return summed(self.import_steps(path, rules=rules), progress or (lambda count: None), cancel)

    def import_steps(
        self, path: str | os.PathLike[str], *, rules: ImportRules = ImportRules(), after: int = 0
    ) -> Iterator[Imported]:
        """Import, and yield what became of each 1,000 lines once they are kept. after: a step's `line`, to go on."""
        file = Path(path).expanduser()
        lines = prepared(read_lines(file, rules.form), file.absolute().parent, rules)
        return import_steps(lines, partial(self.add, existing=rules.existing), after=after)

    def optimize(self) -> bool:
        """Bring the search index up to date; slow, never needed for right answers."""
        return self._store.optimize()

    def redescribe(self, model: str, *, read: ReadPicture | None = None, anyway: bool = False) -> Redescription:
        """Begin to describe every record by another model, beside the old descriptions, in the background.

        Search goes on by the old ones; records written meanwhile land in both. When all is done the collection
        answers by the new model, unless some records could not be described and `anyway` is not given. Interrupted
        in whatever way, call it again. read: gives a record's picture; default from its `_file` or its `_url`.
        `rollback` goes back to the old descriptions, `finish` deletes them.
        Raises InvalidArgument, UnknownModel, ModelError, StoreFailed.
        """
        return self._at_home.redescribe(self, model, read, anyway=anyway)

    def rollback(self, *, anyway: bool = False) -> Redescribed:
        """Give up a change of model, under way or done, and go on with the old descriptions; the new ones are deleted.

        What was added since the change has been described by both models. What could not be is listed, and stops it
        unless `anyway` is given. Raises InvalidArgument if there is nothing to go back to; StoreFailed.
        """
        return self._at_home.rollback(self, anyway=anyway)

    def finish(self) -> None:
        """Delete the old descriptions after a change of model. Raises InvalidArgument if there was none."""
        self._at_home.finish(self)

    @property
    def _removed(self) -> Removed:
        return Removed(removed_folder(self._settings.workspace), self.name)

    @property
    def _at_home(self) -> Home:
        if self._home is None:
            raise InvalidArgument("collection", self.name, "opened by a workspace for this")
        return self._home

    def close(self) -> None:
        """Flush and release the store."""
        self._closed = True
        with self._writing:
            self._store.close()


def _check_model(info: CollectionInfo, ensemble: Ensemble) -> None:
    for name, then in info.signatures.items():
        if ensemble.signatures.get(name) != then:
            raise ModelMismatch(info.name, then, ensemble.signatures.get(name, "no such description"))
