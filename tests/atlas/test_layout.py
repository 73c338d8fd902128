"""Layouts: components that are those of the covariance, t-SNE that keeps groups together, and places beside others."""

import numpy as np
import pytest

from lookalike.atlas.layout import basis_of, best_method, place_beside, unfold


def clusters(seed=0, each=40, groups=4, dims=24):
    random = np.random.default_rng(seed)
    centers = random.normal(size=(groups, dims)) * 3
    labels = np.repeat(np.arange(groups), each)
    return (centers[labels] + random.normal(size=(len(labels), dims)) * 0.4).astype(np.float32), labels


def share_of_own(places, labels):
    """The share of points whose nearest other point is of their group."""
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((labels[apart.argmin(axis=1)] == labels).mean())


def test_components_are_the_singular_vectors_of_the_centered_rows():
    vectors, _ = clusters()
    basis = basis_of(vectors)
    centered = vectors - vectors.mean(axis=0)
    _, singular, axes = np.linalg.svd(centered, full_matrices=False)
    points = basis.reduced(vectors)
    assert points.shape == (160, 24)
    assert np.allclose(np.linalg.norm(points, axis=0), singular, rtol=1e-3)
    assert np.allclose(np.abs((basis.axes[:5] * axes[:5]).sum(axis=1)), 1, atol=1e-3)
    assert (np.take_along_axis(basis.axes, np.abs(basis.axes).argmax(axis=1)[:, None], axis=1) > 0).all()


@pytest.mark.parametrize(("rows", "dims"), [(1, 3), (2, 1), (5, 1), (3, 80)])
def test_few_rows_and_few_dimensions_have_two_components_all_the_same(rows, dims):
    vectors = np.random.default_rng(1).normal(size=(rows, dims)).astype(np.float32)
    points = basis_of(vectors).reduced(vectors)
    assert points.shape[1] >= 2
    assert np.isfinite(points).all()


def test_equal_points_are_placed_beside_equal_anchors_and_between_others():
    anchors = np.array([[0, 0], [1, 0], [9, 9]], np.float32)
    places = np.array([[10, 10], [20, 10], [90, 90]], np.float32)
    assert np.allclose(place_beside(anchors, anchors, places), places, atol=0.1)
    between = place_beside(np.array([[0.5, 0]], np.float32), anchors, places)[0]
    assert 14 < between[0] < 16
    assert place_beside(np.empty((0, 2), np.float32), anchors, places).shape == (0, 2)


def test_new_points_of_a_group_are_placed_within_it():
    vectors, labels = clusters()
    points = basis_of(vectors).reduced(vectors)
    places = points[:, :2]
    found = place_beside(points[::4], np.delete(points, np.s_[::4], 0), np.delete(places, np.s_[::4], 0))
    centers = np.array([places[labels == group].mean(axis=0) for group in range(4)])
    nearest = ((found[:, None] - centers[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == labels[::4]).all()


def test_tsne_keeps_groups_together_says_how_far_it_is_and_is_the_same_again():
    pytest.importorskip("openTSNE")
    assert best_method() == "tsne"
    vectors, labels = clusters()
    points = basis_of(vectors).reduced(vectors)
    told = []
    places = unfold(points, 7, told.append)
    assert places.shape == (160, 2)
    assert share_of_own(places, labels) == 1
    assert told == sorted(told)
    assert told[-1] == 1
    assert np.array_equal(places, unfold(points, 7))


def test_what_is_raised_while_it_says_how_far_it_is_ends_tsne():
    pytest.importorskip("openTSNE")

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unfold(basis_of(clusters()[0]).reduced(clusters()[0]), 7, stop)


def test_a_handful_is_laid_out_by_its_components():
    pytest.importorskip("openTSNE")
    points = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    assert np.array_equal(unfold(points, 7), points[:, :2])
