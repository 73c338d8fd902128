"""Records into files and out of them: JSON lines (also .gz), a JSON array, CSV, Parquet; streaming both ways."""

from lookalike.transfer.formats import FileFormat, format_of
from lookalike.transfer.reading import ImportRules, prepared, read_lines
from lookalike.transfer.steps import MOST_FAILURES, import_steps, summed
from lookalike.transfer.writing import exported, write_records

__all__ = [
    "MOST_FAILURES",
    "FileFormat",
    "ImportRules",
    "exported",
    "format_of",
    "import_steps",
    "prepared",
    "read_lines",
    "summed",
    "write_records",
]
