"""Programs to paste: the same search, and the same record added, by curl, by Python and by the old client."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Place", "Snippet", "snippets_of"]

_RECORD = {"_id": "photo", "_file": "photo.jpg"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a program must know. address: of the service; example: a record's id; writes: whether the key may add.

    vector: how many floats the vector of a record has, where records bring it; None where pictures are described.
    """

    address: str
    key: str
    collection: str
    example: str
    writes: bool
    vector: int | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """title: how it is run; note: what it needs."""

    title: str
    note: str
    text: str


def snippets_of(place: Place) -> Sequence[Snippet]:
    """Return a program in each language. Names are quoted as the language does it, whatever is in them."""
    needs = " It takes photo.jpg from the folder where it runs." if place.writes and place.vector is None else ""
    return [
        Snippet("curl", f"For a shell.{needs}", _curl(place)),
        Snippet("Python", f"pip install lookalike.{needs}", _python(place)),
        Snippet("Ximilar's client", f"pip install ximilar-client; your old programs.{needs}", _old_client(place)),
    ]


def _curl(place: Place) -> str:
    base = f"{place.address}/v1/collections/{place.collection}"
    key = shlex.quote(f"Authorization: Bearer {place.key}")
    headers = f"\\\n  -H {key} \\\n  -H 'Content-Type: application/json' \\\n "
    question = shlex.quote(json.dumps({"id": place.example, "k": 5}))
    search = f"curl {shlex.quote(base + '/search')} {headers} -d {question}"
    if not place.writes:
        return search
    if place.vector is None:
        record = '{"records": [{"_id": "photo", "_base64": "%s"}]}'
        source = f"printf '{record}' \"$(base64 < photo.jpg | tr -d '\\n')\""
    else:
        zeros = ", ".join(["0"] * (place.vector - 1))
        vector = f"1, {zeros}" if zeros else "1"
        source = f'echo \'{{"records": [{{"_id": "photo", "_vector": [{vector}]}}]}}\''
    return f"{source} |\n  curl {shlex.quote(base + '/records')} {headers} -d @-\n\n{search}"


def _python(place: Place) -> str:
    lines = [
        "from lookalike import Client",
        "",
        f"with Client({_literal(place.address)}, key={_literal(place.key)}) as client:",
        f"    collection = client.collection({_literal(place.collection)})",
    ]
    if place.writes and place.vector is None:
        lines.append(f"    collection.add([{json.dumps(_RECORD)}])")
    elif place.writes:
        lines.append(f'    collection.add([{{"_id": "photo", "_vector": [1.0] + [0.0] * {(place.vector or 1) - 1}}}])')
    lines += [
        f"    for match in collection.search(id={_literal(place.example)}, k=5):",
        "        print(match.score, match.id)",
    ]
    return "\n".join(lines)


def _old_client(place: Place) -> str:
    base = f"{place.address}/similarity/photos/v2/"
    lines = [
        "from ximilar.client.search import SimilarityPhotosClient",
        "",
        "client = SimilarityPhotosClient(",
        f"    {_literal(place.key)},",
        f"    {_literal(place.collection)},",
        f"    endpoint={_literal(base)},",
        '    resource_name="",',
        ")",
    ]
    if place.writes and place.vector is None:
        lines.append(f"client.insert([{json.dumps(_RECORD)}])")
    elif place.writes:
        vector = f"[1.0] + [0.0] * {(place.vector or 1) - 1}"
        lines.append(f'client.insert([{{"_id": "photo", "_descriptor": {vector}}}])')
    lines.append(f'print(client.search({{"_id": {_literal(place.example)}}}, k=5))')
    return "\n".join(lines)


def _literal(text: str) -> str:
    """Return the text as a Python literal in double quotes: of JSON's escapes, Python reads all but lone surrogates."""
    return json.dumps(text) if text.isprintable() else repr(text)
