"""Splits share no identity, labels say only what may be learned, pictures are decoded whole."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import ImageUnreadable, InvalidArgument, SourceNotFound
from lookalike.training.data import SEALED, TRAIN, VALIDATION, load, split_identities
from lookalike.training.recipe import DataPart, Recipe


@given(st.sets(st.text(max_size=5), max_size=60), st.integers(0, 1000), st.randoms())
def test_a_split_depends_on_the_names_alone(names, seed, shuffler):
    shuffled = sorted(names)
    shuffler.shuffle(shuffled)
    split = split_identities(names, "space", seed, DataPart())
    assert split == split_identities(shuffled, "space", seed, DataPart())
    assert set(split) == names


@pytest.mark.parametrize(("count", "held"), [(3, (0, 0)), (4, (2, 0)), (7, (2, 0)), (8, (2, 2)), (100, (15, 10))])
def test_a_split_is_empty_or_has_two_classes(count, held):
    split = list(split_identities(map(str, range(count)), "space", 1, DataPart()).values())
    assert (split.count(VALIDATION), split.count(SEALED)) == held


def test_no_identity_is_in_two_splits_of_any_set(pictures):
    seen = {}
    for one in pictures.sets:
        for name, split in zip(one.columns[one.part.identity], one.split.tolist(), strict=True):
            assert seen.setdefault((one.part.space, name), split) == split
    assert set(seen.values()) == {TRAIN, VALIDATION, SEALED}


def test_the_real_sets_share_no_class_and_no_product_between_splits(shared_data):
    from pathlib import Path

    from lookalike.training import data

    recipe = Recipe.read(Path(__file__).parents[2] / "recipes" / "mini.toml")
    tables = [data._table(shared_data / part.file) for part in recipe.sets]
    seen, products = {}, {}
    for part, table, split in zip(recipe.sets, tables, data._splits(recipe, tables), strict=True):
        for name, where in zip(table[part.identity], split.tolist(), strict=True):
            assert seen.setdefault((part.space, name), where) == where
        if part.space == "articles":
            for product, where in zip(table[table_column(part)], split.tolist(), strict=True):
                assert products.setdefault(product, where) == where


def table_column(part):
    return "x3" if part.file == "train-fashion-60x80.zip" else "x0"


def test_only_training_rows_are_trained_on(pictures):
    rows = pictures.training_rows()
    assert len(rows) == sum(len(one.rows(TRAIN)) for one in pictures.sets)
    assert all(pictures.sets[one].split[row] == TRAIN for one, row in rows)


def test_a_vocabulary_holds_trained_classes_and_no_blank(pictures):
    for one in pictures.sets:
        for vocabulary, numbers in one.labels.items():
            column = one.columns[one.part.labels[vocabulary]]
            for row in one.rows(TRAIN):
                known = numbers[row] >= 0
                assert known == (column[row] != "")
                assert not known or pictures.vocabularies[vocabulary][numbers[row]] == column[row]
    held = {name for one in pictures.sets for name, split in zip(one.columns["label"], one.split, strict=True) if split}
    assert not held & set(pictures.vocabularies["shapes"])


def test_the_whole_picture_is_squashed(pictures, drawn_data):
    import cv2

    with zipfile.ZipFile(drawn_data / "train-shapes-48.zip") as archive:
        coded = np.frombuffer(archive.read("000003.webp"), np.uint8)
    whole = cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1]
    expected = cv2.resize(np.ascontiguousarray(whole), (48, 48), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pictures.sets[0].pixels[3], expected)


def test_a_missing_zip_is_named(recipe, tmp_path):
    with pytest.raises(SourceNotFound, match="train-shapes-48"):
        load(recipe, tmp_path, tmp_path / "cache")


def test_a_damaged_picture_is_named(recipe, drawn_data, tmp_path):
    for name in ("train-shapes-48.zip", "train-more-48.zip"):
        (tmp_path / name).write_bytes((drawn_data / name).read_bytes())
    with zipfile.ZipFile(drawn_data / "train-more-48.zip") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "train-more-48.zip", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, b"no picture" if name == "000004.webp" else content)
    with pytest.raises(ImageUnreadable, match=r"train-more-48\.zip:000004\.webp"):
        load(recipe, tmp_path, tmp_path / "cache")


def test_a_setting_nobody_knows_is_refused(drawn_data, tmp_path):
    text = (drawn_data / "tiny.toml").read_text("utf-8").replace("copies = 6", "copys = 6")
    (tmp_path / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"student\.copys"):
        Recipe.read(tmp_path / "wrong.toml")
