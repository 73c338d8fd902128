"""Maps drawn by jobs: first the quick one, then the better; kept, brought up to date, dropped and struck."""

import numpy as np
import pytest

import lookalike
from lookalike import charting
from lookalike.atlas.chart import load_chart
from lookalike.charting import Atlas
from lookalike.work import Background

WAIT = 60


def record(number, group, **more):
    random = np.random.default_rng(number)
    vector = np.eye(8)[group] * 3 + random.normal(size=8) * 0.2
    return {"_id": f"{group}/{number}", "_vectors": {"shape": vector.tolist()}, "group": group} | more


@pytest.fixture
def space(tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        shapes = space.create("shapes", kind="custom", entities={"shape": 8})
        assert not shapes.add(record(n, n % 3) for n in range(60)).failed
        yield space


@pytest.fixture
def draw(space):
    """Return draw(method="pca", anew=False) -> the job, when it is over."""
    with Background(space, ["map"], scheduled=False) as background:

        def run(method="pca", anew=False, description=""):
            spec = {"description": description, "method": method, "anew": anew}
            return background.runner.wait(background.runner.start("map", spec, collection="shapes").id, WAIT)

        yield run


def chart_of(space):
    return Atlas(space).chart("shapes", "shape")


def test_a_map_is_drawn_and_is_there_after_a_restart(space, draw, tmp_path):
    job = draw()
    assert (job.state, job.error) == ("done", "")
    assert job.result == {"method": "pca", "records": 60, "fitted": 60, "without": 0}
    assert (job.done, job.total) == (100, 100)
    chart = chart_of(space)
    assert sorted(chart.ids) == sorted(one.id for one in space.get("shapes").records())
    centers = [chart.places[[row for id_, row in chart.rows.items() if id_.startswith(f"{n}/")]] for n in range(3)]
    assert max(each.std(axis=0).max() for each in centers) < 0.5
    space.close()
    with lookalike.open(tmp_path / "space") as again:
        kept = chart_of(again)
        assert np.array_equal(kept.places, chart.places)


def test_the_quick_map_is_there_while_the_better_is_drawn(space, draw, monkeypatch):
    seen = []

    def unfold(points, seed, told):
        seen.append(chart_of(space))
        told(0.5)
        return points[:, :2] * 2

    monkeypatch.setattr(charting, "unfold", unfold)
    monkeypatch.setattr(charting, "UNFOLDED", 50)
    assert draw("tsne").result["fitted"] == 50
    assert [(chart.method, chart.draft) for chart in seen] == [("pca", True)]
    chart = chart_of(space)
    assert (chart.method, chart.draft, chart.fitted) == ("tsne", False, 50)
    assert np.abs(chart.places - seen[0].places * 2)[50:].max() < 1  # beside those like them


def test_an_update_places_what_is_new_and_moves_nothing_else(space, draw, monkeypatch):
    monkeypatch.setattr(charting, "unfold", lambda points, seed, told: points[:, :2] * 2)
    draw("tsne")
    before = chart_of(space)
    shapes = space.get("shapes")
    shapes.add([record(200, 1), record(1, 2) | {"_id": "2/2"}])
    shapes.delete(["0/0"])
    job = draw("tsne")
    assert job.result == {"method": "tsne", "records": 60, "placed": 2, "without": 0}
    after = chart_of(space)
    assert "0/0" not in after.rows
    assert after.made == before.made
    kept = before.rows.keys() & after.rows.keys() - {"2/2"}
    assert len(kept) == 58
    assert all(np.array_equal(before.places[before.rows[id_]], after.places[after.rows[id_]]) for id_ in kept)
    group = after.places[[row for id_, row in after.rows.items() if id_.startswith("1/") and id_ != "1/200"]]
    assert np.linalg.norm(after.places[after.rows["1/200"]] - group.mean(axis=0)) < 1
    assert draw("tsne", anew=True).result["fitted"] == 60


def test_a_large_collection_takes_its_components_from_the_first_rows(space, draw, monkeypatch):
    draw()
    whole = chart_of(space)
    monkeypatch.setattr(charting, "SAMPLED", 40)
    monkeypatch.setattr(charting, "_PAGE", 20)
    draw(anew=True)
    sampled = chart_of(space)
    assert sampled.ids == whole.ids
    assert not np.array_equal(sampled.places, whole.places)
    groups = [[row for id_, row in sampled.rows.items() if id_.startswith(f"{n}/")] for n in range(3)]
    assert max(sampled.places[rows].std(axis=0).max() for rows in groups) < 0.5


def test_records_without_the_description_are_left_out_and_nothing_is_no_map(space, draw):
    shapes = space.get("shapes")
    shapes.delete(where={})
    assert draw().state == "failed"
    assert chart_of(space) is None
    assert "color" in draw(description="color").error


def test_a_canceled_map_leaves_the_quick_one(space, monkeypatch):
    with Background(space, ["map"], scheduled=False) as background:
        spec = {"description": "", "method": "tsne", "anew": False}

        def unfold(points, seed, told):
            background.runner.cancel(space.catalog.jobs.page(live=True)[0].id)
            for share in range(100):
                told(share / 100)
            raise AssertionError("it went on")

        monkeypatch.setattr(charting, "unfold", unfold)
        job = background.runner.start("map", spec, collection="shapes")
        assert background.runner.wait(job.id, WAIT).state == "canceled"
    assert chart_of(space).draft


def test_a_dropped_collection_takes_its_map_along_and_another_of_its_name_has_none(space, draw):
    draw()
    kept = (space.path / "maps" / "shapes" / "shape.npz").read_bytes()
    space.drop("shapes")
    assert not (space.path / "maps" / "shapes").exists()
    space.create("shapes", kind="custom", entities={"shape": 8})
    (space.path / "maps" / "shapes").mkdir()
    (space.path / "maps" / "shapes" / "shape.npz").write_bytes(kept)
    assert chart_of(space) is None


def test_erased_records_are_on_no_map(space, draw):
    draw()
    space.erase("shapes", ["0/0", "1/1"])
    chart = load_chart(space.path / "maps", "shapes", "shape")
    assert len(chart.ids) == 58
    assert "0/0" not in chart.rows


def test_colors_follow_what_is_written(space, draw):
    draw()
    atlas = Atlas(space)
    chart = atlas.chart("shapes", "shape")
    assert atlas.coloring("shapes", chart, "group").values == [(0, 20), (1, 20), (2, 20)]
    space.get("shapes").update([{"_id": "0/0", "group": 7}])
    space.get("shapes").delete(["1/1"])
    space.get("shapes").add([record(300, 1)])
    found = atlas.coloring("shapes", chart, "group")
    assert found.values == [(2, 20), (0, 19), (1, 19), (7, 1)]
    assert found.codes[chart.rows["1/1"]] == -2
    assert found.since == 1


def groups_of(space):
    """The colors by group, without a walk of the records."""
    store = space.store_of("shapes")
    store.inner.scroll = lambda **asked: pytest.fail("all records were walked")
    try:
        return dict(Atlas(space).coloring("shapes", chart_of(space), "group").values)
    finally:
        del store.inner.scroll


def test_what_colors_a_map_is_kept_with_it_and_follows_what_is_written(space, draw, tmp_path):
    draw()
    assert groups_of(space) == {0: 20, 1: 20, 2: 20}
    space.close()
    with lookalike.open(tmp_path / "space") as again:
        again.get("shapes").update([{"_id": "0/0", "group": 7}])
    with lookalike.open(tmp_path / "space") as again:
        again.get("shapes").delete(["1/1"])
        assert groups_of(again) == {0: 19, 1: 19, 2: 20, 7: 1}
        again.erase("shapes", ["0/0"])
        kept = [path.read_bytes() for path in (tmp_path / "space" / "maps" / "shapes").iterdir()]
        assert not any(b'"0/0"' in data for data in kept)
