"""GET /v1/models."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter

from lookalike.describers.cards import card, names
from lookalike.describers.modelcard import ModelCard
from lookalike.describers.weights import is_here
from lookalike.errors import ModelError
from lookalike.wire.pictures import ModelBody

router = APIRouter(tags=["describe"])


@router.get("/models", summary="The models that describe pictures")
def list_models() -> list[ModelBody]:
    """Ascending by name; those not `here` are brought by `lookalike models fetch` on the service's machine."""
    found = []
    for name in names():
        with suppress(ModelError):  # one whose files were damaged can't be used either
            found.append(_body(card(name)))
    return sorted(found, key=lambda model: model.name)


def _body(model: ModelCard) -> ModelBody:
    return ModelBody(
        name=model.name,
        version=model.version,
        here=is_here(model),
        megabytes=round(model.megabytes, 1),
        input_size=model.input_size,
        vectors=dict(model.vectors),
        reads_text=model.readable,
        license=model.license,
    )
