"""Groups: the transitive closure, in a fixed order, asked for as little as possible."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.duplicates import Tally, UnionFind, connected_groups, group_by_ssim, transitive_groups
from lookalike.errors import InvalidArgument
from lookalike.ssim import prepare, ssim, to_gray


@st.composite
def graphs(draw):
    n = draw(st.integers(0, 25))
    item = st.integers(0, max(0, n - 1))
    return n, draw(st.lists(st.tuples(item, item), max_size=40)) if n else []


def closure(n: int, pairs) -> list[list[int]]:
    """The groups by repeated relabeling: slow, and plainly right."""
    label = list(range(n))
    for _ in range(n):
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return [[item for item in range(n) if label[item] == first] for first in range(n) if first in label]


# --- Union-find ---


def test_items_begin_alone_and_stay_joined():
    joined = UnionFind(4)
    assert joined.groups() == [[0], [1], [2], [3]]
    assert joined.union(3, 1)
    assert joined.union(1, 2)
    assert not joined.union(2, 3)
    assert joined.find(3) == joined.find(2) != joined.find(0)
    assert joined.groups() == [[0], [1, 2, 3]]


# --- Groups of pairs ---


@given(graphs())
def test_connected_groups_are_the_closure_of_the_pairs(graph):
    n, pairs = graph
    assert connected_groups(n, pairs) == closure(n, pairs)


@given(graphs(), st.randoms())
def test_the_order_of_pairs_does_not_matter(graph, random):
    n, pairs = graph
    turned = [pair[:: random.choice([1, -1])] for pair in pairs]
    random.shuffle(turned)
    assert connected_groups(n, turned) == connected_groups(n, pairs)


def test_groups_are_ordered_by_first_member_and_members_by_input():
    assert connected_groups(6, [(5, 0), (4, 2), (5, 3)]) == [[0, 3, 5], [1], [2, 4]]


def test_pairs_may_be_rows_of_an_array():
    assert connected_groups(3, np.array([[2, 0]])) == [[0, 2], [1]]


@pytest.mark.parametrize("pair", [(0, 3), (-1, 0)])
def test_a_pair_outside_the_items_is_refused(pair):
    with pytest.raises(InvalidArgument):
        connected_groups(3, [pair])


# --- Groups by asking ---


@given(graphs())
def test_transitive_groups_are_the_closure_and_no_question_is_idle(graph):
    n, pairs = graph
    relation = {frozenset(pair) for pair in pairs}
    asked = []

    def alike(i, j):
        known = connected_groups(n, [pair for pair in asked if frozenset(pair) in relation])
        assert i < j
        assert not any({i, j} <= set(group) for group in known)
        asked.append((i, j))
        return frozenset((i, j)) in relation

    assert transitive_groups(n, alike) == closure(n, pairs)
    assert len(set(asked)) == len(asked)
    assert asked == sorted(asked)


def test_equal_items_are_asked_once_each():
    asked = []
    assert transitive_groups(50, lambda i, j: not asked.append((i, j))) == [list(range(50))]
    assert len(asked) == 49


# --- Groups by SSIM ---


def naive(grays, grade):
    pairs = itertools.combinations(range(len(grays)), 2)
    return closure(len(grays), [(i, j) for i, j in pairs if ssim(prepare(grays[i]), prepare(grays[j])) >= grade])


def edits(gray: np.ndarray) -> list[np.ndarray]:
    """The picture and edits of it, each further from it: text, brightness, recompression, noise, blur, shift."""
    text = gray.copy()
    cv2.putText(text, "copy", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    saved = cv2.imdecode(cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 92])[1], cv2.IMREAD_GRAYSCALE)
    noise = np.random.default_rng(0).normal(0, 12, gray.shape)
    noisy = np.clip(gray + noise, 0, 255).astype(np.uint8)
    darker = (gray * 0.96).astype(np.uint8)
    return [gray, text, saved, darker, noisy, cv2.GaussianBlur(gray, (0, 0), 1.5), np.roll(gray, 6, axis=1)]


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]))
def test_grouping_by_ssim_is_the_closure_over_all_pairs(seed, grade):
    random = np.random.default_rng(seed)
    grays = []
    for _ in range(4):
        texture = random.integers(0, 256, (6, 8)).astype(np.uint8)
        size = (64, 48) if random.random() < 0.7 else tuple(int(side) for side in random.integers(3, 70, 2))
        gray = cv2.resize(texture, size, interpolation=cv2.INTER_CUBIC)
        grays += [gray, np.clip(gray + random.normal(0, random.uniform(0, 30), gray.shape), 0, 255).astype(np.uint8)]
    order = random.permutation(len(grays))
    grays = [grays[i] for i in order]
    assert group_by_ssim(grays, grade) == naive(grays, grade)


@pytest.fixture(scope="module")
def photographs():
    """Two photographs with their edits, and a third alone: 15 gray pictures of 256 x 192."""
    data = pytest.importorskip("skimage.data", reason="the photographs come with scikit-image")
    originals = [to_gray(data.astronaut()), data.camera(), to_gray(data.coffee())]
    first, second, third = (cv2.resize(gray, (256, 192), interpolation=cv2.INTER_AREA) for gray in originals)
    return [*edits(first), *edits(second), third]


@pytest.fixture(scope="module")
def reference(photographs):
    """(i, j) -> scikit-image's SSIM."""
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the reference")
    pairs = itertools.combinations(range(len(photographs)), 2)
    return {(i, j): metrics.structural_similarity(photographs[i], photographs[j]) for i, j in pairs}


@pytest.mark.parametrize("grade", [0.0, 0.1, 0.25, 0.5, 0.6, 0.75, 0.8, 0.9, 0.95, 0.97, 1.0])
def test_photographs_and_their_edits_group_as_with_scikit_image(grade, photographs, reference):
    alike = [pair for pair, value in reference.items() if value >= grade]
    assert group_by_ssim(photographs, grade) == connected_groups(len(photographs), alike)


def test_the_default_grade_joins_light_edits_and_keeps_heavy_ones_apart(photographs):
    assert group_by_ssim(photographs, 0.95) == [[0, 1, 2, 3], [4], [5], [6], [7, 8, 9, 10], [11], [12], [13], [14]]
    assert group_by_ssim(photographs, 0.0) == [list(range(15))]
    assert group_by_ssim([*photographs, photographs[3].copy()], 1.0) == [
        [0],
        [1],
        [2],
        [3, 15],
        *[[i] for i in range(4, 15)],
    ]


def test_a_chain_of_alike_pictures_is_one_group_though_its_ends_differ(draw):
    steps = [cv2.GaussianBlur(to_gray(draw(1)), (0, 0), sigma) for sigma in np.linspace(1, 12, 16)]
    assert ssim(prepare(steps[0]), prepare(steps[-1])) < 0.95
    assert group_by_ssim(steps, 0.95) == [list(range(16))]


def test_a_tally_tells_how_the_pairs_were_decided(draw):
    grays = [to_gray(draw(seed)) for seed in range(8)]
    tally = Tally()
    assert len(group_by_ssim(grays + grays, 0.95, tally)) == 8
    assert 8 + 28 <= tally.asked <= 8 * 15
    assert tally.ruled_out >= tally.asked / 2
    assert 8 <= tally.compared <= tally.asked - tally.ruled_out


def test_pictures_of_different_sizes_group_too(draw):
    large = to_gray(draw(1, 640, 480))
    half = cv2.resize(large, (320, 240), interpolation=cv2.INTER_AREA)
    stranger = to_gray(draw(2, 500, 500))
    assert group_by_ssim([large, stranger, half], 0.95) == [[0, 2], [1]]


def test_nothing_makes_no_groups_and_one_picture_makes_one():
    assert group_by_ssim([], 0.95) == []
    assert group_by_ssim([np.zeros((1, 1), np.uint8)], 0.95) == [[0]]


@pytest.mark.parametrize("grade", [-0.01, 1.01, float("nan")])
def test_a_grade_out_of_range_is_refused(grade):
    with pytest.raises(InvalidArgument):
        group_by_ssim([], grade)


def test_what_is_no_gray_picture_is_refused(draw):
    with pytest.raises(InvalidArgument):
        group_by_ssim([draw(1)], 0.95)
