"""Collections as the catalog has them: opened on their stores, and taken through a change of model."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lookalike.atlas.chart import maps_folder
from lookalike.atlas.keptfields import NOTES
from lookalike.catalog import Catalog, CollectionInfo
from lookalike.collection import Collection
from lookalike.describers.ensemble import Ensemble, standard_ensemble
from lookalike.describers.modelfolder import settled
from lookalike.errors import InvalidArgument, ModelError
from lookalike.records import Matches, Redescribed
from lookalike.redescribe import Follower, ReadPicture, Redescription
from lookalike.search import Query
from lookalike.settings import Settings
from lookalike.stores.base import Store
from lookalike.stores.shelf import Shelf, drop_others, fresh_key
from lookalike.stores.watched import Watched
from lookalike.trials import Trials
from lookalike.twins import Names, PairedEnsemble, Side, Twin

__all__ = ["Keeper", "described_by"]

_NEXT, _PREVIOUS = "next", "previous"

_MAKING: Final = timedelta(minutes=1)


class Keeper:
    """Opens the collections of a workspace and changes their models. Safe to call from several threads."""

    def __init__(self, catalog: Catalog, shelf: Shelf, settings: Settings, trials: Trials) -> None:
        self._catalog, self._shelf, self._settings, self._trials = catalog, shelf, settings, trials
        self._guard = threading.RLock()
        self._sides: dict[str, dict[str, Side]] = {}
        self._under_way: dict[str, Redescription] = {}

    def open(self, info: CollectionInfo) -> Collection:
        """Return the collection that an entry describes. Raises StoreUnreadable, StoreFailed, ModelError."""
        with self._guard:
            ensemble = standard_ensemble(info.model)
            collection = Collection(info, self._first(info).store, ensemble, self._settings, self)
            if info.beside is not None:
                self.arrange(collection, info)
            return collection

    def make(self, info: CollectionInfo) -> None:
        """Make the empty store of a new collection. Raises as the stores do."""
        self._shelf.open(info.place, info.dims, info.settings.index).close()

    def store(self, info: CollectionInfo) -> Watched:
        """Return the store by which a collection answers."""
        with self._guard:
            return self._first(info).store

    def arrange(self, collection: Collection, info: CollectionInfo) -> None:
        """Have a collection go on as an entry says: another store, other describers, one beside or none."""
        with self._guard:
            first = self._first(info)
            ensemble = standard_ensemble(info.model)
            if info.beside is None:
                collection.adopt(info, first.store, ensemble, ensemble)
                return
            second = self._second(info)
            beside = self._ensemble_beside(info)
            names = _names(info, beside)
            paired = PairedEnsemble(ensemble, beside, names.made) if beside else ensemble
            collection.adopt(info, Twin(first, second, names), ensemble, paired)

    def discard(self, name: str, keep: Sequence[str] = ()) -> None:
        """Delete the stores of a collection, but those whose keys are given, closing those that are open."""
        self.stop(name)
        with self._guard:
            sides = self._sides.get(name, {})
            for key in [key for key in sides if key not in keep]:
                side = sides.pop(key)
                side.retired = True
                side.store.close()
            drop_others(self._shelf, name, keep)

    def new_store(self, info: CollectionInfo) -> tuple[str, Store]:
        """Return a new, empty store for what an entry describes, and its key; whoever asked fills and closes it.

        Stores of the collection that the catalog doesn't name are deleted.
        """
        with self._guard:
            now = self._catalog.collections.find(info.name)
            used = [now.place, *([now.beside["store"]] if now.beside else [])] if now else []
            key = fresh_key(self._shelf, info.name, used)
            return key, self._shelf.open(key, info.dims, info.settings.index)

    def forget(self, name: str) -> None:
        """Know nothing more of a collection that was closed."""
        with self._guard:
            for side in self._sides.pop(name, {}).values():
                side.retired = True
                side.store.close()

    def stop(self, name: str) -> None:
        """Stop a description under way; it can go on later."""
        under_way = self._under_way.pop(name, None)
        if under_way is not None:
            under_way.cancel()

    def close(self) -> None:
        """Stop what is under way; the stores are closed by their collections."""
        for name in list(self._under_way):
            self.stop(name)

    def try_out(self, collection: Collection, query: Query, trial: str, visitor: str | None) -> Matches:
        """Answer within a trial; see `Trials.search`."""
        return self._trials.search(collection.name, query, trial, visitor)

    def redescribe(
        self, collection: Collection, model: str, read: ReadPicture | None, *, anyway: bool
    ) -> Redescription:
        """Begin, or go on with, a change of model; see `Collection.redescribe`."""
        model = settled(str(model))
        with self._guard:
            under_way = self._under_way.get(collection.name)
            if under_way is not None and under_way.running:
                raise InvalidArgument("model", model, f"given when the change to {under_way.model} is over")
            if collection.info.beside is None:
                self._begin(collection, model)
            beside = _beside(collection.info, _NEXT, "finished or rolled back before the next change")
            if beside["model"] != model:
                raise InvalidArgument(
                    "model", model, f"{beside['model']}, to which a change was begun; or roll it back"
                )
            follower = self._follower(collection, standard_ensemble(model), read)
            under_way = Redescription(follower, model, lambda: self._cut_over(collection), anyway=anyway)
            self._under_way[collection.name] = under_way
            return under_way

    def rollback(self, collection: Collection, *, anyway: bool) -> Redescribed:
        """Go back to the old descriptions; see `Collection.rollback`."""
        self.stop(collection.name)
        info = collection.info
        if info.beside is None:
            raise InvalidArgument("rollback", "no change of model", "called during or after one")
        other = info.beside
        if other["role"] == _NEXT:
            self._leave(collection, replace(info, beside=None), other["store"])
            return Redescribed(info.model, 0, True)
        # The old ones may lack a record that a kill kept from them.
        follower = self._follower(collection, standard_ensemble(other["model"]), None)
        result = Redescription(follower, other["model"], lambda: None, anyway=True).wait()
        if result.failed and not anyway:
            return replace(result, cut_over=False)
        old = {name: value for name, value in other.items() if name != "role"}
        self._leave(collection, replace(info, **old, beside=None), info.place)
        return replace(result, cut_over=True)

    def finish(self, collection: Collection) -> None:
        """Delete the old descriptions; see `Collection.finish`."""
        info = collection.info
        beside = _beside(info, _PREVIOUS, "called after a change of model has been cut over")
        self._leave(collection, replace(info, beside=None), beside["store"])

    def _begin(self, collection: Collection, model: str) -> None:
        """Note the change in the catalog; from then on records are written to both stores."""
        info = collection.info
        chosen = described_by(replace(info, model=model), standard_ensemble(model))
        if chosen.signatures == dict(info.signatures):
            raise InvalidArgument("model", model, "another one than describes the collection now")
        beside = {
            "role": _NEXT,
            "model": model,
            "signatures": dict(chosen.signatures),
            "dims": dict(chosen.dims),
            "store": fresh_key(self._shelf, info.name, [info.place]),
        }
        changed = replace(info, beside=beside)
        self._catalog.collections.replace(changed)
        self.arrange(collection, changed)

    def _cut_over(self, collection: Collection) -> None:
        """Make the new descriptions the collection's, in one write of the catalog; the old ones go on beside."""
        with self._guard, collection.writing:
            info = collection.info
            new = {name: value for name, value in _beside(info, _NEXT, "under way").items() if name != "role"}
            old = {
                "role": _PREVIOUS,
                "model": info.model,
                "signatures": dict(info.signatures),
                "dims": dict(info.dims),
                "store": info.place,
            }
            changed = replace(info, **new, beside=old)
            self._catalog.collections.replace(changed)
            self.arrange(collection, changed)

    def _leave(self, collection: Collection, info: CollectionInfo, key: str) -> None:
        """Go on by an entry without anything beside, and delete the store that is no longer named."""
        with self._guard, collection.writing:
            self._catalog.collections.replace(info)
            self.arrange(collection, info)
            side = self._sides[info.name].pop(key)
            side.retired = True
        side.store.close()
        self._shelf.drop(key)

    def _follower(self, collection: Collection, ensemble: Ensemble, read: ReadPicture | None) -> Follower:
        info = collection.info
        beside: Mapping[str, Any] = info.beside or {}
        sides = self._sides[info.name]
        return Follower(
            sides[info.place].store,
            sides[beside["store"]].store,
            _names(info, ensemble),
            ensemble,
            self._settings,
            collection.writing,
            read,
        )

    def _first(self, info: CollectionInfo) -> Side:
        """Return the store by which a collection answers; where processes share a shelf its maker may not be done."""
        return self._side(info, info.place, info.dims, make=self._shelf.is_shared and _is_new(info))

    def _second(self, info: CollectionInfo) -> Side:
        """Return the store beside the first; what it has not is described anew, so it may be made here."""
        beside: Mapping[str, Any] = info.beside or {}
        return self._side(info, beside["store"], beside["dims"], make=True)

    def _side(self, info: CollectionInfo, key: str, dims: Mapping[str, int], *, make: bool) -> Side:
        sides = self._sides.setdefault(info.name, {})
        if key not in sides:
            notes = maps_folder(self._settings.workspace) / info.name / NOTES
            store = self._shelf.open(key, dims, info.settings.index, make=make)
            sides[key] = Side(Watched(store, notes))
        return sides[key]

    def _ensemble_beside(self, info: CollectionInfo) -> Ensemble | None:
        """Return the describers of the other store; None if they are not on this machine any more."""
        with suppress(ModelError):
            return standard_ensemble(info.beside["model"]) if info.beside else None
        return None


def described_by(info: CollectionInfo, ensemble: Ensemble) -> CollectionInfo:
    """Return the entry with the vectors that its settings want, and who makes them; hashes are always kept."""
    chosen = info.settings
    kept = (*chosen.describers, *ensemble.hashes)
    dims = {name: ensemble.dims[name] for name in chosen.describers}
    signatures = {name: ensemble.signatures[name] for name in kept}
    return replace(info, signatures=signatures, dims={**dims, **chosen.entities})


def _is_new(info: CollectionInfo) -> bool:
    """Whether the collection was entered so lately that another process may be about to make its store."""
    return datetime.now(UTC) - datetime.fromisoformat(info.created) < _MAKING


def _beside(info: CollectionInfo, role: str, when: str) -> Mapping[str, Any]:
    if info.beside is None or info.beside["role"] != role:
        raise InvalidArgument("change of model", info.name, when)
    return info.beside


def _names(info: CollectionInfo, ensemble: Ensemble | None) -> Names:
    """Say what the store beside shares with the first, and what `ensemble` makes for it."""
    beside: Mapping[str, Any] = info.beside or {}
    signatures, dims = beside["signatures"], beside["dims"]
    mine = info.signatures
    carried = {n for n in dims if info.dims.get(n) == dims[n] and mine.get(n) == signatures.get(n)}
    able = ensemble.signatures if ensemble else {}
    same = {name for name in signatures if able.get(name) == signatures[name]}
    hashes = {n for n in signatures if n not in dims and n in same and mine.get(n) != signatures[n]}
    made = (dims.keys() - carried) & same
    return Names(frozenset(carried), frozenset(made), frozenset(info.dims.keys() - carried), frozenset(hashes))
