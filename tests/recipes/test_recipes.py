"""The recipes' functions mean what they meant: measures as SciPy has them, ranks and percentages as they counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance as scipy_distance

from lookalike import recipes
from lookalike.errors import ImageError, InvalidArgument, MissingExtra, ShapeMismatch, UnknownVector
from lookalike.evaluate import first_ranks, mean_average_precision
from lookalike.recipes import (
    ComparativeSet,
    ImageFolder,
    comparative_set_builder,
    compute_distances,
    compute_feature,
    compute_features,
    evaluate,
    positive_image_ranks,
    recall_at_k,
    vector_distance,
)

numbers = st.floats(-10, 10).map(lambda value: round(value, 3))
vectors = st.lists(numbers, min_size=6, max_size=6).filter(lambda row: np.ptp(row) > 0.1)
histograms = st.lists(st.floats(0.01, 10), min_size=6, max_size=6)


def unit(row):
    return np.asarray(row) / np.linalg.norm(row)


BY_SCIPY = {
    "l1": lambda a, b: scipy_distance.cityblock(unit(a), unit(b)),
    "l2": lambda a, b: scipy_distance.euclidean(unit(a), unit(b)),
    "normalizedl2": lambda a, b: scipy_distance.euclidean(unit(a), unit(b)),
    "cosine": scipy_distance.cosine,
    "correlation": lambda a, b: scipy_distance.correlation(unit(a), unit(b)),
    "hamming": lambda a, b: scipy_distance.hamming(np.asarray(a) > 0, np.asarray(b) > 0),
}


@pytest.mark.parametrize("method", BY_SCIPY)
@settings(max_examples=50)
@given(vectors, vectors)
def test_distances_are_scipys(method, a, b):
    assert vector_distance(a, b, method) == pytest.approx(BY_SCIPY[method](a, b), abs=1e-6)
    assert vector_distance(a, b, method.upper()) == vector_distance(a, b, method)


@settings(max_examples=50)
@given(histograms, histograms)
def test_chi_squared_is_the_symmetric_one(a, b):
    one, other = np.array(a), np.array(b)
    plain = 0.5 * ((one - other) ** 2 / (one + other)).sum()
    assert vector_distance(a, b, "chi-squared", l2_normalize=False) == pytest.approx(plain)
    assert vector_distance(a, b, "chisquared", l2_normalize=False) == pytest.approx(plain)
    shares = 0.5 * ((one / one.sum() - other / other.sum()) ** 2 / (one / one.sum() + other / other.sum())).sum()
    assert vector_distance(a, b, "normalizedchisquared") == pytest.approx(shares)


def test_the_default_is_l2_of_unit_vectors():
    assert vector_distance([3, 0], [0, 4]) == pytest.approx(2**0.5)
    assert vector_distance([3, 0], [0, 4], l2_normalize=False) == pytest.approx(5)
    assert vector_distance([0, 0], [0, 4]) == pytest.approx(1), "nothing stays nothing"


def test_what_is_no_distance_is_refused():
    with pytest.raises(InvalidArgument, match="normalizedl2"):
        vector_distance([1], [2], "mahalanobis")
    with pytest.raises(InvalidArgument):
        vector_distance([-1, 0], [1, 1], "chi-squared")
    with pytest.raises(ShapeMismatch):
        vector_distance([1, 2], [1, 2, 3])


def test_distances_come_in_the_order_of_the_features():
    found = compute_distances([1, 0], {"far": [0, 1], "near": [1, 0], "mid": [1, 1]})
    assert [path for path, _ in found] == ["far", "near", "mid"]
    assert [value for _, value in found] == pytest.approx([2**0.5, 0, (2 - 2**0.5) ** 0.5])
    assert compute_distances([1, 0], {}) == []


def test_a_rank_counts_negatives_that_are_strictly_nearer():
    features = {"q": [1, 0], "p": [1, 1], "nearer": [2, 1], "as near": [2, 2], "far": [0, 1]}
    one = ComparativeSet("q", "p", ["nearer", "as near", "far", "nearer"], "cat", ["dog"] * 4)
    with pytest.raises(InvalidArgument):
        one.pos_rank()
    one.compute_distances(features)
    assert one.pos_rank() == 3
    assert positive_image_ranks([one]) == [3]
    one.set_distance_method("hamming")
    one.compute_distances(features)
    assert (one.pos_dist, one.pos_rank()) == (0.5, 1)
    with pytest.raises(InvalidArgument):
        ComparativeSet("q", "p", ["n"], "cat", [])


def test_recall_is_a_percentage_to_one_decimal():
    assert recall_at_k([1, 2, 7], 1) == 33.3
    assert [recall_at_k([1, 2, 7], k) for k in (2, 6, 7)] == [66.7, 66.7, 100.0]
    with pytest.raises(InvalidArgument):
        recall_at_k([], 1)


def test_sets_are_drawn_from_the_data():
    data = ImageFolder.of([f"{place}.jpg" for place in range(30)], ["a", "b", "c"] * 10)
    sets = comparative_set_builder(data, num_sets=40, num_negatives=8)
    assert len(sets) == 40
    for one in sets:
        assert len(one.neg_im_paths) == len(set(one.neg_im_paths)) == 8
        assert one.pos_im_path != one.query_im_path
        assert one.pos_label not in one.neg_labels
        labels = dict(zip(data.items, data.labels, strict=True))
        assert labels[one.query_im_path] == labels[one.pos_im_path] == one.pos_label
        assert [labels[path] for path in one.neg_im_paths] == one.neg_labels
    assert len(comparative_set_builder(data, 1)[0].neg_im_paths) == 20, "100 where there are so many"
    with pytest.raises(InvalidArgument):
        comparative_set_builder(ImageFolder.of("ab", "xy"), 1)


def trapezoids(scores, same):
    """The area under precision over recall, as the recipes reckon it for one query."""
    order = np.argsort(-scores, kind="stable")
    hits = np.flatnonzero(same[order])
    area = 0.0
    for number, place in enumerate(hits):
        before = number / place if place else 1.0
        area += (before + (number + 1) / (place + 1)) / 2 / len(hits)
    return area


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_rank_and_map_are_the_recipes(seed, count):
    random = np.random.default_rng(seed)
    labels = np.append(random.integers(3, size=count - 2), [7, 7]).astype(str)
    data = ImageFolder.of([str(place) for place in range(count)], labels.tolist())
    rows = random.standard_normal((count, 5))
    features = dict(zip(data.items, rows, strict=True))
    ranks, area = evaluate(data, features)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    first = first_ranks(rows.astype(np.float32), labels)
    assert ranks == pytest.approx([(first <= n).mean() for n in range(1, count + 1)])
    able = [place for place in range(count) if (labels == labels[place]).sum() > 1]
    plain = []
    for place in able:
        others = np.arange(count) != place
        plain.append(trapezoids((rows @ rows[place])[others], (labels == labels[place])[others]))
    assert area == pytest.approx(np.mean(plain), abs=1e-6)
    assert area <= mean_average_precision(rows.astype(np.float32), labels) + 1e-6


def test_re_ranking_is_there_by_the_names_it_had():
    random = np.random.default_rng(3)
    named = np.repeat(np.arange(5), 20)
    rows = random.standard_normal((5, 12))[named] + 1.1 * random.standard_normal((100, 12))
    data = ImageFolder.of([str(place) for place in range(100)], named.astype(str).tolist())
    features = dict(zip(data.items, rows, strict=True))
    plain = evaluate(data, features)[1]
    better = evaluate(data, features, use_rerank=True, rerank_k1=15, rerank_k2=5, rerank_lambda=0.2)[1]
    assert better > plain + 0.03
    with pytest.raises(InvalidArgument, match="without 3"):
        evaluate(data, {item: row for item, row in features.items() if item != "3"})


@pytest.fixture
def folder(tmp_path, draw, save):
    for seed in range(6):
        save(draw(seed), tmp_path / "pictures" / f"l{seed % 2}" / f"{seed}.jpg")
    return tmp_path / "pictures"


def test_features_are_512_numbers_that_l2_can_compare(folder):
    data = ImageFolder(folder)
    features = compute_features(data)
    assert list(features) == data.items
    assert data.classes == ["l0", "l1"]
    assert {row.shape for row in features.values()} == {(512,)}
    assert all(np.linalg.norm(row) == pytest.approx(1, abs=1e-5) for row in features.values())
    assert np.allclose(compute_feature(data.items[2]), features[data.items[2]], atol=1e-5)
    nearest = min(compute_distances(compute_feature(data.items[2]), features), key=lambda one: one[1])
    assert nearest == (data.items[2], pytest.approx(0, abs=1e-3))
    assert compute_feature(data.items[0], embedding="copy").shape == (128,)
    with pytest.raises(UnknownVector, match="joined"):
        compute_feature(data.items[0], embedding="smell")
    with pytest.raises(ImageError):
        compute_features([*data.items, folder / "gone.jpg"])


def test_splits_share_no_picture_and_if_wanted_no_label():
    data = ImageFolder.of([f"{place}" for place in range(50)], [f"l{place % 5}" for place in range(50)])
    for train, test in (data.split(0.2), data.split_classes(0.4)):
        assert sorted(train.items + test.items) == sorted(data.items)
    train, test = data.split(0.2)
    assert (len(test), test.classes) == (10, data.classes)
    train, test = data.split_classes(0.4)
    assert (len(test.classes), set(train.classes) & set(test.classes)) == (2, set())
    for bad in (0, 1, 1.5):
        with pytest.raises(InvalidArgument):
            data.split(bad)
    with pytest.raises(InvalidArgument):
        ImageFolder.of(["a"], [])


def test_plots_are_figures(folder):
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    data = ImageFolder(folder)
    features = {item: np.eye(6)[place] + 0.1 for place, item in enumerate(data.items)}
    shown = recipes.plot_distances(compute_distances(features[data.items[1]], features), num_rows=2, num_cols=2)
    titles = [axes.get_title() for axes in shown.axes]
    assert [title.split("\n")[0] for title in titles] == ["rank 1", "rank 2", "rank 3", "rank 4"]
    assert data.items[1].endswith(titles[0].split("\n")[-1])
    (one,) = comparative_set_builder(data, 1, 3)
    words = [axes.get_title().split("\n")[0] for axes in recipes.plot_comparative_set(one, num_cols=4).axes]
    assert words == ["query", "positive", "negative", "negative"]
    (line,) = recipes.plot_recalls([1, 1, 3]).axes[0].get_lines()
    assert list(zip(*line.get_data(), strict=True)) == [(1, 66.7), (2, 66.7), (3, 100.0)]
    bars = recipes.plot_ranks_distribution([1, 1, 3]).axes[0].patches
    assert [bar.get_height() for bar in bars] == [2, 0, 1]
    with pytest.raises(InvalidArgument):
        recipes.plot_recalls([])


def test_a_notebook_draws_a_plot_where_nobody_turned_pyplot_on():
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib")
    formatters = pytest.importorskip("IPython.core.formatters", reason="asks what a notebook asks")
    assert formatters.PNGFormatter()(recipes.plot_recalls([1, 2])).startswith(b"\x89PNG")


def test_the_widget_asks_with_what_is_clicked(folder):
    pytest.importorskip("ipywidgets", reason="the widget needs ipywidgets")
    data = ImageFolder(folder)
    features = {item: [place, 1.0] for place, item in enumerate(data.items)}
    widget = recipes.RetrievalWidget(data, features, rows=1, cols=3)
    assert widget.shown[0] == data.items[0]
    cells = widget.show().children[0].children
    assert bytes(cells[0].children[0].value).startswith(b"\xff\xd8\xff")
    clicked = widget.shown[2]
    cells[2].children[2].click()
    assert widget.shown[0] == clicked
    assert cells[0].children[2].description == "query"
    with pytest.raises(InvalidArgument):
        recipes.RetrievalWidget(data, features, rows=1, cols=1)


def test_without_ipywidgets_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    with pytest.raises(MissingExtra, match="notebook"):
        recipes.RetrievalWidget(ImageFolder(folder), {})
