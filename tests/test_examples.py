"""Every example runs without arguments, and finds what it says it finds."""

import importlib.util
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
GUIDE = EXAMPLES.parent / "docs" / "other-data.md"


def example(name):
    """Return an example as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def numbers(text, pattern):
    """Return the numbers of the only line that matches."""
    (found,) = re.findall(pattern, text)
    return [float(one) for one in (found if isinstance(found, tuple) else (found,))]


def test_every_example_is_tested():
    here = Path(__file__).read_text("utf-8")
    assert all(f'example("{path.stem}")' in here for path in EXAMPLES.glob("*.py"))


def test_sounds_are_searched_by_vectors_of_ones_own(capsys):
    example("own_vectors").main()
    printed = capsys.readouterr().out
    assert "40 sounds kept, 0 failed" in printed
    right, of = numbers(printed, r"same instrument: (\d+) of (\d+)")
    assert right >= 36
    assert of == 40


def test_a_still_finds_its_video_and_second(capsys):
    pytest.importorskip("av", reason="needs the extra video")
    example("video_frames").main([])
    printed = capsys.readouterr().out
    assert "32 key frames of 4 videos" in printed
    video, second = re.search(r"taken from (\S+) at ([\d.]+) s", printed).groups()
    assert re.search(rf"frames of 4 videos\n[\d.]+  {video} at {second} s", printed)


def test_objects_are_found_from_an_unseen_angle(capsys):
    example("renders").main([])
    (right,) = numbers(capsys.readouterr().out, r"nobody had rendered: (\d) of 6")
    assert right >= 5


def test_a_wavefront_file_is_read_with_faces_of_any_size_and_relative_numbers(tmp_path):
    path = tmp_path / "roof.obj"
    path.write_text(
        "# a roof\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1\nv 0 0 1\nf -1 1 2\n"
    )
    corners, triangles = example("renders").read_obj(path)
    assert corners.shape == (5, 3)
    assert triangles.tolist() == [[0, 1, 2], [0, 2, 3], [4, 0, 1]]


def test_sixteen_bits_need_a_window(capsys):
    pytest.importorskip("pydicom", reason="needs the extra dicom")
    example("medical_16bit").main()
    printed = capsys.readouterr().out
    (dark,), (plain,) = numbers(printed, r"slice.png +(\d+)"), numbers(printed, r"as they are: +recall@1 ([\d.]+)")
    (window,), (dicom,) = (
        numbers(printed, r"soft tissue: +recall@1 ([\d.]+)"),
        numbers(printed, r"DICOM.*recall@1 ([\d.]+)"),
    )
    assert dark < 20
    assert min(window, dicom) >= 0.9 > plain
    told = numbers(GUIDE.read_text("utf-8"), r"slice of a patient: ([\d.]+) without a window, ([\d.]+) with")
    assert [plain, window] == pytest.approx(told, abs=0.05)


def test_faces_of_one_person_are_verified_and_grouped(capsys):
    pytest.importorskip("onnx", reason="needs the extra train")
    example("faces").main()
    printed = capsys.readouterr().out
    area, least = *numbers(printed, r"AUC ([\d.]+)"), *numbers(printed, r"from a cosine of ([\d.]+)")
    assert area > 0.97
    assert 0.3 < least < 1
    groups = [line.split() for line in printed.splitlines() if line.startswith("   ")]
    assert sum(len(group) for group in groups) == 30
    assert sum(len({name.split("-")[0] for name in group}) > 1 for group in groups) <= 1


@pytest.mark.slow
def test_cards_are_recognized_askew_and_strangers_refused(capsys):
    example("cards").main()
    right, wrong, taken = numbers(capsys.readouterr().out, r"0\.9: (\d+) of 16 .* (\d+) wrongly; (\d+) of 8")
    assert right >= 12
    assert wrong <= 1
    assert taken <= 1
