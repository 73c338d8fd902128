"""Where output goes: a full disk, a pipe that nobody reads, a closed stream, an encoding that can't hold a name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

UNBUFFERED = {"PYTHONUNBUFFERED": "1"}  # writing fails within the command, and not at its end


@pytest.fixture
def lookalike_to(tmp_path):
    """Return lookalike_to(stdout, *arguments, env) -> (exit code, stderr)."""

    def call(stdout, *arguments, env):
        done = subprocess.run(
            [sys.executable, "-m", "lookalike", *arguments],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            env={**os.environ, "LOOKALIKE_WORKSPACE": str(tmp_path / "space"), **env},
        )
        return done.returncode, done.stderr

    return call


@pytest.mark.parametrize("form", ["table", "csv", "parquet"])
@pytest.mark.parametrize("env", [{}, UNBUFFERED])
def test_a_reader_that_has_gone_is_no_traceback(lookalike_to, form, env):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        assert lookalike_to(pipe, "models", "list", "-f", form, env=env) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("form", ["table", "csv", "parquet"])
@pytest.mark.parametrize("env", [{}, UNBUFFERED])
def test_a_full_disk_is_one_line(lookalike_to, form, env):
    with Path("/dev/full").open("wb") as full:
        code, said = lookalike_to(full, "models", "list", "-f", form, env=env)
    assert (code, said) == (1, "lookalike: No space left on device: not everything was written\n")


@pytest.mark.skipif(os.name == "nt", reason="no shell that closes streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [("models list", 0), ("models list -f csv", 0), ("models show none", 2)])
def test_a_closed_stream_takes_everything(tmp_path, closed, command, code):
    line = f'"{sys.executable}" -m lookalike {command} {closed}'
    environment = {**os.environ, "LOOKALIKE_WORKSPACE": str(tmp_path / "space")}
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "lookalike:" not in done.stdout, "what is said on stderr never becomes a result"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "utf-8:strict"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:surrogateescape"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
    ],
)
def test_names_that_the_encoding_cannot_hold_are_escaped(draw, save, tmp_path, form, env):
    names = {b"\xff.jpg", "é中.jpg".encode()}
    for number, name in enumerate(names):
        save(draw(number), tmp_path / "in" / f"{number}.jpg").rename(os.fsdecode(bytes(tmp_path / "in") + b"/" + name))
    command = [sys.executable, "-m", "lookalike", "group", tmp_path / "in", "-f", form]
    environment = {**os.environ, "LOOKALIKE_WORKSPACE": str(tmp_path / "space"), **env}
    done = subprocess.run(command, capture_output=True, timeout=120, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    if form != "jsonl":
        assert b"\\udcff.jpg" in done.stdout or b"/\xff.jpg" in done.stdout
        return
    paths = [path for line in done.stdout.splitlines() for path in json.loads(line)["paths"]]
    assert {os.fsencode(Path(path).name) for path in paths} == names
