"""The catalog's SQLite file, held by several connections of one process and by another process."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from lookalike.catalog import open_catalog

ELSEWHERE = """
import sys
from pathlib import Path
from lookalike.catalog import open_catalog
with open_catalog(Path(sys.argv[1])) as catalog:
    print(catalog.jobs.add("import", {}).id)
"""


def test_what_another_process_wrote_is_seen_by_one_with_several_connections(tmp_path):
    """A process that opened and closed the file itself would let go of SQLite's locks: the other one would take itself
    for the last, and fold the log away."""
    place = tmp_path / "space"
    with open_catalog(place) as catalog:
        together = Barrier(3)

        def count(_):
            with catalog._database.reading():
                together.wait(10)  # each needs a connection of its own
            return len(catalog.jobs.page())

        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(count, range(3))) == [0, 0, 0]
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", ELSEWHERE, str(place)], capture_output=True, text=True, timeout=60, check=True
            )
            assert (place / "catalog.sqlite-wal").is_file()  # or what is written from now on would be lost
            assert catalog.jobs.find(done.stdout.strip()).state == "queued"
