"""The programs of replaced systems under their old names, each in a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3] / "compat"
GROUPING, EMBEDDING = ROOT / "imageSimilarity", ROOT / "image-embeddings"
BANNER = r"""
 _____
|_   _|
  | | _ __ ___   __ _  __ _  ___
""".lstrip("\n")


def run(script, *arguments, cwd, code=0):
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, cwd=cwd, env=environment())
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def environment():
    return {**os.environ, "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def folder(tmp_path, draw, save):
    """A folder to work in, whose images/ has two like pictures, another one, one of another size, and a note."""
    pixels = draw(1)
    save(pixels, tmp_path / "images" / "01.png")
    save(np.clip(pixels.astype(int) + 2, 0, 255).astype(np.uint8), tmp_path / "images" / "02.png")
    save(draw(2), tmp_path / "images" / "03.png")
    save(draw(3, 200, 100), tmp_path / "images" / "04.png")
    (tmp_path / "images" / "notes.txt").write_text("no picture", "utf-8")
    return tmp_path


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*") if path.is_file())


def test_grouping_says_and_does_what_it_did(folder):
    run(GROUPING / "imageSimilarity.py", "-s", "1", cwd=folder)
    done = run(GROUPING / "imageSimilarity.py", "-l", cwd=folder)
    assert done.stdout.startswith(BANNER)
    assert done.stdout.splitlines()[-4:] == [
        "Loading images from 'images'...",
        "Dividing images in batches according to similarity (0.95)...",
        "Saving images in 'output'...",
        "Done.",
    ]
    assert tree(folder / "output") == ["0/01.png", "0/02.png", "1/03.png", "2/04.png"]
    assert (folder / "output/0/01.png").read_bytes() == (folder / "images/01.png").read_bytes()
    assert "notes.txt" in done.stderr
    lines = (folder / "imageSimilarity.log").read_text("utf-8").splitlines()
    assert all(re.match(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]\[(DEBUG|WARNING)\] ", line) for line in lines)
    said = [line.partition("] ")[2] or line.rpartition("]")[2].strip() for line in lines if "[DEBUG]" in line]
    assert said == [
        "Reading all images from images",
        "Files detected: 5",
        "All images read",
        "Dividing images according to their similarity",
        "Number of images to divide: 4",
        "Minimum Similarity: 0.95",
        "Number of divisions: 3",
        "Saving divisions in output",
    ]


def test_grouping_keeps_what_else_was_in_the_output_folder(folder):
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine", "utf-8")
    arguments = ["--similarityGrade", "0", "--imagesDirectory", folder / "images", "--outputDirectory", "out"]
    done = run(GROUPING / "imageSimilarity.py", *arguments, cwd=folder)
    assert "similarity (0.0)" in done.stdout
    assert tree(folder / "out") == ["0/01.png", "0/02.png", "0/03.png", "0/04.png"]
    assert tree(folder / "out.before-1") == ["mine.txt"]
    assert not (folder / "imageSimilarity.log").exists()


@pytest.mark.parametrize("name", ["2024", "0"])
def test_grouping_keeps_folders_that_are_named_by_numbers(folder, name):
    (folder / "out" / name).mkdir(parents=True)
    (folder / "out" / name / "mine.png").write_bytes(b"mine")
    run(GROUPING / "imageSimilarity.py", "-o", "out", cwd=folder)
    assert tree(folder / "out.before-1") == [f"{name}/mine.png"]
    assert tree(folder / "out") == ["0/01.png", "0/02.png", "1/03.png", "2/04.png"]


def test_grouping_says_nothing_twice(folder):
    said = run(GROUPING / "imageSimilarity.py", cwd=folder).stderr
    assert said.count("notes.txt") == 1
    assert run(GROUPING / "imageSimilarity.py", "-i", "nowhere", cwd=folder, code=1).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "code", "last"),
    [
        (["-s", "1.5"], 1, "ERROR: Similarity grade should be between 0 and 1."),
        (["-i", "nowhere"], 1, "ERROR: Paths given should exist"),
        (["-s", "much"], 2, None),
        (["--help"], 0, None),
    ],
)
def test_grouping_refuses_in_its_words(folder, arguments, code, last):
    done = run(GROUPING / "imageSimilarity.py", *arguments, cwd=folder, code=code)
    assert done.stdout.startswith(BANNER)
    assert last is None or done.stdout.splitlines()[-1] == last
    assert not (folder / "output").exists()


def test_an_empty_folder_gives_an_empty_one(tmp_path):
    (tmp_path / "images").mkdir()
    done = run(GROUPING / "imageSimilarity.py", "-o", "a/b/output", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "Done."
    assert list((tmp_path / "a" / "b" / "output").iterdir()) == []


def test_the_grouping_server_says_which_port_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        done = run(GROUPING / "imageSimilarity.py", "--runServer", "--port", number, cwd=tmp_path, code=1)
    assert done.stdout.splitlines()[-1].startswith(f"ERROR: the address is 'localhost:{number}'; it must be free")
    beyond = run(GROUPING / "imageSimilarity.py", "--runServer", "--port", "99999", cwd=tmp_path, code=1)
    assert "0-65535" in beyond.stdout


@pytest.mark.slow
def test_the_grouping_server_answers_on_both_its_ports(folder):
    ports = [free_port(), free_port()]
    command = [sys.executable, str(GROUPING / "imageSimilarity.py"), "--runServer", "--logging"]
    command += [word for port in ports for word in ("--port", str(port))]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment()) as server:
        try:
            data = {path.name: path.read_bytes() for path in sorted((folder / "images").glob("*.png"))}
            for port in ports:
                url = f"http://localhost:{port}/api/imageSimilarityByHash"
                answer = when_up(lambda url=url: httpx.post(url, files=data, timeout=60))
                assert list(map(len, answer.json()["lists"])) == [2, 1, 1]
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    log = (folder / "imageSimilarity.log").read_text("utf-8")
    for line in (
        "Running server...",
        "Processing Request..",
        "Getting buffers from request...",
        "All buffers obtained",
    ):
        assert line in log
    assert re.search(r"File Size: \d+ bytes", log)


def test_similarity_analysis_prints_its_two_tables(address, tmp_path):
    done = run(EMBEDDING / "similarity_analysis.py", "--url", address, cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "You uploaded 9 image(s)"
    assert lines[2].split() == ["│", "Reference", "Image", "│", "Image", "Classification", "│"]
    assert lines[4].split()[1] == "cat.png"
    assert lines[7].split("│")[1:4] == [
        " Images           ",
        "   Similarity to Reference ",
        " Image Classification   ",
    ]
    rows = [line.split("│")[1:4] for line in lines[9::2]]
    scores = [float(row[1]) for row in rows]
    assert len(rows) == 8
    assert scores == sorted(scores, reverse=True)
    assert {row[0].strip() for row in rows[:2]} == {"cat_1.jpg", "cat_2.jpg"}
    assert (tmp_path / "images" / "cat.png").is_file()


def test_similarity_analysis_with_a_metric_and_a_reference_of_choice(address, tmp_path, draw, save):
    for seed in range(4):
        save(draw(seed), tmp_path / "photos" / f"{seed}.png")
    (tmp_path / "photos" / "notes.txt").write_text("no picture", "utf-8")
    arguments = ["--images_folder", "photos", "--ref_image", "2.png", "--url", address]
    plain, squared = (
        run(EMBEDDING / "similarity_analysis.py", *arguments, *more, cwd=tmp_path).stdout
        for more in ([], ["--metric", "l2", "--top", "2"])
    )
    assert "Error processing notes.txt: " in plain
    assert [text.count(".png") for text in (plain, squared)] == [4, 3]
    assert plain.splitlines()[-2] != squared.splitlines()[-2]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize("name", ['a "b".png', "two\nlines.png", "back\\slash.png", "50%22.png"])
def test_similarity_analysis_finds_whatever_the_reference_is_called(address, tmp_path, draw, save, name):
    for seed, called in enumerate((name, "other.png")):
        save(draw(seed), tmp_path / "photos" / called)
    arguments = ["--images_folder", "photos", "--ref_image", name, "--url", address]
    done = run(EMBEDDING / "similarity_analysis.py", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert name.split("\n")[0] in done.stdout
    assert "other.png" in done.stdout


def test_similarity_analysis_fails_in_plain_words(address, tmp_path, draw, save):
    save(draw(1), tmp_path / "photos" / "1.png")
    script, folder = EMBEDDING / "similarity_analysis.py", ["--images_folder", "photos"]
    assert "cat.png" in run(script, *folder, "--url", address, cwd=tmp_path, code=1).stderr
    assert "at least 1" in run(script, *folder, "--top", "-1", "--url", address, cwd=tmp_path, code=2).stderr
    nobody = f"http://localhost:{free_port()}"
    assert "lookalike serve" in run(script, *folder, "--url", nobody, cwd=tmp_path, code=1).stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def when_up(ask):
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask()
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
