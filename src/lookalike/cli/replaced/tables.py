"""Tables as the package tabulate draws them in its style "mixed_grid", numbers aligned at their points."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

__all__ = ["mixed_grid"]


def mixed_grid(headers: Sequence[str], rows: Sequence[Sequence[str | float]]) -> str:
    """Return the table. Each column holds texts, or numbers, shown with six digits at most."""
    columns = [_column(header, [row[place] for row in rows]) for place, header in enumerate(headers)]
    widths = [cell_len(column[0]) for column in columns]
    head, *body = (f"│ {' │ '.join(line)} │" for line in zip(*columns, strict=True))

    def rule(left: str, between: str, right: str, stroke: str = "━") -> str:
        return left + between.join(stroke * (width + 2) for width in widths) + right

    lines = [rule("┍", "┯", "┑"), head, rule("┝", "┿", "┥")]
    for line in body:
        lines += [line, rule("├", "┼", "┤", "─")]
    return "\n".join([*(lines[:-1] if body else lines), rule("┕", "┷", "┙")])


def _column(header: str, values: Sequence[str | float]) -> list[str]:
    """Return header and cells of one width: texts to the left, numbers to the right."""
    numbers = bool(values) and not any(isinstance(value, str) for value in values)
    cells = [f"{value:g}" if not isinstance(value, str) else value for value in values]
    if numbers:
        after = [len(cell) - len(cell.partition(".")[0]) for cell in cells]
        cells = [cell + " " * (max(after) - own) for cell, own in zip(cells, after, strict=True)]
    width = max(cell_len(header) + 2, *map(cell_len, cells)) if cells else cell_len(header) + 2
    padded = [" " * (width - cell_len(text)) for text in (header, *cells)]
    return [pad + text if numbers else text + pad for pad, text in zip(padded, (header, *cells), strict=True)]
