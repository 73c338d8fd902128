"""Files that share their first frame, page, or look on white, and nothing else."""

import numpy as np
import pytest
from PIL import Image

from lookalike.cleaning.plan import Terms
from lookalike.cleaning.planning import plan_of
from lookalike.folders.finding import find_duplicates
from lookalike.folders.frames import OTHER_ALPHA
from lookalike.settings import Settings


@pytest.fixture
def animate(tmp_path, draw):
    def write(name, seeds, side=1.0, **how):
        frames = [Image.fromarray(draw(seed, round(240 * side), round(180 * side))) for seed in seeds]
        path = tmp_path / "pictures" / name
        path.parent.mkdir(exist_ok=True)
        frames[0].save(path, save_all=True, append_images=frames[1:], **how)

    return write


def names(groups):
    return sorted(sorted(member.path.rsplit("/", 1)[1] for member in group.members) for group in groups)


def removed(search):
    plan = plan_of(search, roots=[], terms=Terms(), settings=Settings())
    return [member.path.rsplit("/", 1)[1] for group in plan.groups for member, _ in group.removed]


@pytest.mark.parametrize("upto", ["hash", "copy", "keypoints"])
@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_a_shared_first_frame_makes_no_copy(tmp_path, animate, ending, upto):
    animate(f"a.{ending}", [1, 2, 3])
    animate(f"b.{ending}", [1, 4, 5])
    animate(f"c.{ending}", [1, 2, 3, 6])
    animate(f"still.{ending}", [1])
    search = find_duplicates(tmp_path / "pictures", upto=upto, ledger="")
    assert names(search.groups) == []


@pytest.mark.parametrize("upto", ["hash", "keypoints"])
def test_a_copy_of_all_frames_is_found(tmp_path, animate, upto):
    animate("a.tif", [1, 2, 3])
    animate("again.tif", [1, 2, 3], compression="tiff_lzw")
    animate("lossy.webp", [1, 2, 3], quality=80)
    search = find_duplicates(tmp_path / "pictures", upto=upto, ledger="")
    assert names(search.groups) == [["a.tif", "again.tif", "lossy.webp"]]


def test_what_is_known_of_a_pair_is_no_other_the_second_time(tmp_path, animate):
    animate("a.gif", [1, 2, 3])
    animate("b.gif", [1, 4, 5])
    for _ in range(2):
        search = find_duplicates(tmp_path / "pictures", ledger=tmp_path / "ledger.sqlite")
        assert search.groups == []


def test_a_picture_that_lost_its_transparency_is_not_the_same(tmp_path, draw):
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = np.dstack([draw(1, 300, 300), np.zeros((300, 300), np.uint8)])
    picture[60:240, 60:240, 3] = 255
    logo = Image.fromarray(picture)
    logo.save(folder / "logo.png")
    logo.save(folder / "logo.webp", lossless=True)
    white = Image.new("RGBA", logo.size, "white")
    Image.alpha_composite(white, logo).convert("RGB").save(folder / "flat.png")
    search = find_duplicates(folder, ledger="")
    (group,) = search.groups
    told = {(pair.a[-8:], pair.b[-9:]): pair for pair in group.pairs}
    assert {pair.verdict for names, pair in told.items() if "flat" in names[0]} == {"edited-copy"}
    assert all((OTHER_ALPHA in pair.changes) == pair.a.endswith("flat.png") for pair in group.pairs)
    assert "flat.png" not in removed(search)
    assert len(removed(search)) == 1
