"""The short fields of a collection's records as they are kept beside its maps, so that nobody walks them twice.

NAME/fields.json    {"format", "incarnation", "place", "fields": {id: {field: value or list}}}
NAME/fields.notes   ids written since, a JSON list a line: `stores.watched` adds to it while it is there

Without notes nobody can tell what has changed, so the fields count only beside them. Fields that can't be read, or are
of another format or another store, count as none: the records are walked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

__all__ = ["NOTES", "KeptFields", "forget_fields"]

FORMAT: Final = 1
NOTES: Final = "fields.notes"
_FILE: Final = "fields.json"

Fields = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class KeptFields:
    """Where the fields of a store's records are kept. folder: of the collection's maps. incarnation: when the
    collection was made; place: the key of its store, since another one may take either's name.
    """

    folder: Path
    incarnation: str
    place: str

    def notes(self) -> set[str] | None:
        """Return the ids written since the fields were kept, None where nobody noted them."""
        try:
            lines = (self.folder / NOTES).read_text("utf-8").splitlines()
            return {str(id_) for line in lines for id_ in json.loads(line)}
        except (OSError, ValueError, TypeError):
            return None

    def load(self) -> Fields | None:
        """Return what is kept, lists as tuples."""
        try:
            kept = json.loads((self.folder / _FILE).read_bytes())
            if (kept["format"], kept["incarnation"], kept["place"]) != (FORMAT, self.incarnation, self.place):
                return None
            return {
                id_: {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
                for id_, told in kept["fields"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def prepare(self, fields: Mapping[str, Mapping[str, Any]]) -> Path:
        """Write the fields aside, to be put in place by `put`. Raises OSError."""
        about = {"format": FORMAT, "incarnation": self.incarnation, "place": self.place}
        aside = self.folder / f".{_FILE}.{uuid4().hex}"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_text(json.dumps({**about, "fields": fields}), "utf-8")
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return aside

    def put(self, aside: Path, since: Iterable[str]) -> None:
        """Put what was prepared in place, while nobody writes. since: ids written after it was read. Raises OSError."""
        aside.replace(self.folder / _FILE)  # with the old notes, which are more, until the new ones are there
        notes = aside.with_name(f"{aside.name}.notes")
        notes.write_text(json.dumps(list(since)) + "\n", "utf-8")
        notes.replace(self.folder / NOTES)


def forget_fields(folder: Path) -> None:
    """Delete what is kept of a collection, for good. folder: of its maps."""
    for path in (folder / NOTES, folder / _FILE, *folder.glob(f".{_FILE}.*")):
        path.unlink(missing_ok=True)
