"""Trials of a collection in one process: who is answered how, what counts, and what becomes of the collection."""

from collections import Counter

import pytest

import lookalike
from lookalike.catalog import Trial
from lookalike.errors import EntryNotFound, InvalidArgument, TrialExists, TrialOver
from lookalike.trials.assignment import side_of

QUESTION = {"id": "r0", "k": 6}
PEOPLE = [f"visitor-{i}" for i in range(24)]


def filled(space, name, turn=0):
    """Records whose order by shape is another one than by hue; turn: other vectors of the same ids."""
    collection = space.create(name, kind="custom", entities={"shape": 2, "hue": 2})
    collection.add(
        {"_id": f"r{i}", "_vector": {"shape": [1, i + turn], "hue": [1, (i * 7 + turn) % 20]}, "n": i, "of": i % 5}
        for i in range(20)
    )
    return collection


@pytest.fixture
def shop(space):
    return filled(space, "shop")


def ids(matches):
    return [match.id for match in matches]


def test_each_visitor_is_answered_by_one_variant_as_if_it_were_the_collections(space, shop):
    space.trials.start(Trial("shop", "t", a={"by": "shape"}, b={"weights": {"shape": 0.2, "hue": 0.8}}))
    seen = {visitor: shop.search(**QUESTION, trial="t", visitor=visitor) for visitor in PEOPLE}
    assert {one.variant for one in seen.values()} == {"a", "b"}
    assert len({one.impression for one in seen.values()}) == len(PEOPLE)
    for side, weights in (("a", {"shape": 1.0}), ("b", {"shape": 0.2, "hue": 0.8})):
        space.configure("shop", weights=weights)
        expected = shop.search(**QUESTION)
        assert (expected.variant, expected.impression) == (None, None)
        for visitor, found in seen.items():
            if found.variant == side:
                assert list(found) == list(expected)
                assert found.shares == expected.shares
                again = shop.search(**QUESTION, trial="t", visitor=visitor)
                assert (again.variant, ids(again)) == (side, ids(found))


def test_a_page_goes_on_in_the_same_variant(space, shop):
    space.trials.start(Trial("shop", "t", a={"by": "shape"}, b={"by": "hue"}))
    first = shop.search(id="r0", k=5, trial="t", visitor="v")
    second = shop.search(id="r0", k=5, trial="t", visitor="v", after=first.next)
    assert (second.variant, len({*ids(first), *ids(second)})) == (first.variant, 10)
    assert space.trials.report("shop", "t").arms[0 if first.variant == "a" else 1].impressions == 2


def test_visitors_count_and_not_their_searches(space, shop):
    space.trials.start(Trial("shop", "t", a={"by": "shape"}, b={"by": "hue"}))
    sides = Counter()
    for visitor in PEOPLE:
        for _ in range(3):
            found = shop.search(**QUESTION, trial="t", visitor=visitor)
            assert space.trials.log("shop", found.impression, found[0].id)
            assert not space.trials.log("shop", found.impression, found[0].id)  # once is enough
            assert space.trials.log("shop", found.impression, found[1].id, "mark")
        sides[found.variant] += 1
    shop.search(**QUESTION, trial="t", visitor="looks only")
    report = space.trials.report("shop", "t")
    extra = {one.variant: one.visitors - sides[one.variant] for one in report.arms}
    assert sorted(extra.values()) == [0, 1]
    for arm in report.arms:
        assert arm.reached == sides[arm.variant]
        assert arm.impressions == 3 * arm.reached + extra[arm.variant]
        assert arm.events == {"click": 3 * arm.reached, "mark": 3 * arm.reached, "conversion": 0}
    assert report.winner is None
    assert "more visitors" in report.verdict


def test_only_the_goal_decides(space, shop):
    trial = space.trials.start(Trial("shop", "t", a={"by": "shape"}, b={"by": "hue"}, goal="conversion", effect=0.3))
    crowd = [f"v{i}" for i in range(400)]
    halves = [[visitor for visitor in crowd if side_of(trial.id, visitor, trial.share) == side][:40] for side in "ab"]
    for visitor in halves[0] + halves[1]:  # by chance alone one side may have so many more that the report warns
        found = shop.search(**QUESTION, trial="t", visitor=visitor)
        space.trials.log("shop", found.impression, found[0].id, "click" if found.variant == "a" else "conversion")
    report = space.trials.report("shop", "t")
    assert report.winner == "b"
    assert report.verdict.startswith("b is better: 100.0% of its visitors convert, 100.0 points more")
    assert (report.needed, report.warnings) == (0, [])
    assert report.difference.low > 0.6


def test_interleaved_answers_hold_both_and_credit_whose_pick_was_taken(space, shop):
    space.trials.start(Trial("shop", "t", method="interleave", a={"by": "shape"}, b={"by": "hue"}, effect=0.3))
    best = {side: ids(shop.search(id="r0", k=6, by=side)) for side in ("shape", "hue")}
    for visitor in PEOPLE * 2:
        found = shop.search(**QUESTION, trial="t", visitor=visitor)
        assert (found.variant, len(found), found.next) == ("both", 6, None)
        assert ids(found) == ids(shop.search(**QUESTION, trial="t", visitor=visitor))
        assert set(ids(found)) <= {*best["shape"], *best["hue"]}
        only_b = next(id_ for id_ in ids(found) if id_ not in best["shape"])
        space.trials.log("shop", found.impression, only_b)
    report = space.trials.report("shop", "t")
    told = report.preference
    assert (told.prefer_a, told.prefer_b, told.alike) == (0, len(PEOPLE), 0)
    assert told.p == pytest.approx(2 * 0.5 ** len(PEOPLE))
    assert report.winner == "b"
    assert "took more of its records" in report.verdict
    assert [arm.visitors for arm in report.arms] == [len(PEOPLE)] * 2


def test_interleaved_groups_are_shown_once_each(space):
    shop = filled(space, "grouped")
    space.configure("grouped", product_id="of")
    space.trials.start(Trial("grouped", "t", method="interleave", a={"by": "shape"}, b={"by": "hue"}))
    found = shop.search(id="r0", k=5, group=True, group_size=2, trial="t", visitor="v")
    assert len({match.group.value for match in found}) == len(found) == 5
    member = next(match.group.members[1].id for match in found if len(match.group.members) > 1)
    assert space.trials.log("grouped", found.impression, member)


def test_promoting_weights_makes_them_the_collections(space, shop):
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    ended = space.trials.promote("shop", "t", "b", who="ann")
    assert (ended.state, ended.promoted) == ("promoted", "b")
    assert shop.settings.weights == {"hue": 1.0}
    found = shop.search(**QUESTION, trial="t", visitor="v")  # programs that still name it are answered as all are
    assert (found.variant, ids(found)) == (None, ids(shop.search(**QUESTION)))
    with pytest.raises(TrialOver, match="promoted"):
        space.trials.drop("shop", "t")
    with pytest.raises(TrialOver):
        space.trials.promote("shop", "t", "a")
    log = [(entry.action, entry.who) for entry in space.catalog.audit.page(target="shop").entries]
    assert log[:2] == [("trial.promote", "ann"), ("trial.start", "")]


def test_promoting_another_collection_takes_its_vectors_and_keeps_ones_metadata(space, shop, tmp_path):
    other = filled(space, "other", turn=9)
    space.configure("other", weights={"hue": 1.0})
    space.trials.start(Trial("shop", "t", b={"collection": "other"}))
    expected = ids(other.search(**QUESTION))
    assert ids(shop.search(**QUESTION)) != expected
    answers = [shop.search(**QUESTION, trial="t", visitor=visitor) for visitor in PEOPLE]
    assert all((ids(found) == expected) == (found.variant == "b") for found in answers)
    shop.update([{"_id": "r3", "n": 333}])
    created = shop.info.created
    space.trials.promote("shop", "t", "b")
    assert ids(shop.search(**QUESTION)) == expected
    assert shop.get(["r3"])[0].fields["n"] == 333
    assert (shop.info.created, shop.settings.weights, len(shop)) == (created, {"hue": 1.0}, 20)
    assert ids(other.search(**QUESTION)) == expected
    shop.add([{"_id": "new", "_vector": {"shape": [1, 1], "hue": [1, 1]}}])
    space.close()
    with lookalike.open(tmp_path / "space") as again:
        assert again.get("shop").count() == 21
        assert again.get("shop").get(["new", "r3"])[1].fields["n"] == 333


def test_nothing_is_promoted_if_the_ids_are_no_longer_the_same(space, shop):
    filled(space, "other", turn=9)
    space.trials.start(Trial("shop", "t", b={"collection": "other"}))
    space.get("other").delete(["r4"])
    before = ids(shop.search(**QUESTION))
    with pytest.raises(InvalidArgument, match="19 are in both"):
        space.trials.promote("shop", "t", "b")
    assert ids(shop.search(**QUESTION)) == before
    assert space.trials.find("shop", "t").state == "running"


def stores(space):
    return sorted(path.name for path in (space.path / "collections").iterdir())


def test_what_is_written_while_records_are_copied_is_copied_too(space, shop, monkeypatch):
    monkeypatch.setattr("lookalike.trials.promotion._CHUNK", 5)
    other = filled(space, "other", turn=9)
    space.trials.start(Trial("shop", "t", b={"collection": "other"}))
    told = []

    def written(count):
        told.append(count)
        if len(told) == 2:  # of what is copied already, and of what is not
            shop.update([{"_id": "r0", "n": 100}, {"_id": "r9", "n": 109}])
            for collection in (shop, other):
                collection.add([{"_id": "new", "_vector": {"shape": [5, 1], "hue": [1, 5]}, "n": 5}])
                collection.delete(["r1", "r8"])

    space.trials.promote("shop", "t", "b", progress=written)
    assert told[:2] == [5, 5]
    assert sum(told) in (18, 19, 20)  # as many as the walk met
    assert len(shop) == 19
    found = {record.id: record.fields["n"] for record in shop.get(["r0", "r9", "new", "r5"])}
    assert found == {"r0": 100, "r9": 109, "new": 5, "r5": 5}
    assert shop.get(["r1", "r8"]) == [None, None]
    assert ids(shop.search(id="r0", k=19)) == ids(other.search(id="r0", k=19))


def test_a_promotion_that_is_stopped_leaves_nothing(space, shop):
    filled(space, "other", turn=9)
    space.trials.start(Trial("shop", "t", b={"collection": "other"}))
    before, answer = stores(space), ids(shop.search(**QUESTION))

    def stop(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        space.trials.promote("shop", "t", "b", progress=stop)
    assert space.trials.find("shop", "t").state == "running"
    with pytest.raises(TrialOver, match="dropped"):
        space.trials.promote("shop", "t", "b", progress=lambda count: count or space.trials.drop("shop", "t"))
    assert stores(space) == before
    assert ids(shop.search(**QUESTION)) == answer


def test_dropping_changes_nothing_and_forgetting_deletes_all(space, shop):
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    found = shop.search(**QUESTION, trial="t", visitor="v")
    space.trials.drop("shop", "t")
    assert not space.trials.log("shop", found.impression, found[0].id)  # too late to count
    assert shop.settings.weights == {"shape": 1.0, "hue": 1.0}
    assert sum(arm.visitors for arm in space.trials.report("shop", "t").arms) == 1
    assert "It ended before" in space.trials.report("shop", "t").verdict
    space.trials.forget("shop", "t")
    assert space.trials.list("shop") == []
    with pytest.raises(EntryNotFound, match="impression"):
        space.trials.log("shop", found.impression, found[0].id)
    with pytest.raises(EntryNotFound, match="trial"):
        shop.search(**QUESTION, trial="t", visitor="v")


def test_a_collection_takes_its_trials_with_it(space, shop):
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    shop.search(**QUESTION, trial="t", visitor="v")
    space.drop("shop")
    filled(space, "shop")
    assert space.trials.list("shop") == []
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    assert sum(arm.visitors for arm in space.trials.report("shop", "t").arms) == 0


def test_neither_visitors_nor_ids_are_kept(space, shop, tmp_path):
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    secret = "ann@example.org"
    found = shop.search(id="r0", k=19, trial="t", visitor=secret)
    space.trials.log("shop", found.impression, "r17")
    space.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("space/catalog*"))
    assert b"shop" in kept
    assert secret.encode() not in kept
    assert b"r17" not in kept


def test_lost_answers_are_warned_of(space, shop):
    trial = space.trials.start(Trial("shop", "t", b={"by": "hue"}, share=0.75))
    crowd = [f"v{i}" for i in range(400)]
    on = {side: [visitor for visitor in crowd if side_of(trial.id, visitor, 0.75) == side] for side in ("a", "b")}
    for visitor in on["a"][:10] + on["b"][:30]:
        shop.search(**QUESTION, trial="t", visitor=visitor)
    assert space.trials.report("shop", "t").warnings == []
    for visitor in on["a"][10:40]:
        shop.search(**QUESTION, trial="t", visitor=visitor)
    assert "can't be trusted" in space.trials.report("shop", "t").warnings[0]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "a/b"}, "letters"),
        ({"method": "toss"}, "interleave"),
        ({"goal": "smile"}, "conversion"),
        ({"share": 1.0}, "0.99"),
        ({"share": float("nan")}, "0.99"),
        ({"effect": 0}, "0.01"),
        ({"method": "interleave", "share": 0.2}, "everybody"),
        ({"b": {}}, "another one than a"),
        ({"b": {"by": "smell"}}, "shape"),
        ({"b": {"by": "hue", "weights": {"hue": 1}}}, "weights"),
        ({"b": {"weights": {"hue": -1}}}, "at least 0"),
        ({"b": {"weights": []}}, "object"),
        ({"b": {"collection": "shop"}}, "another one"),
        ({"b": {"collection": "small"}}, "same ids"),
        ({"b": {"speed": 1}}, "weights"),
        ({"b": ["hue"]}, "weights"),
    ],
)
def test_what_makes_no_sense_is_refused(space, shop, changes, word):
    space.create("small", kind="custom", entities={"shape": 2}).add([{"_id": "r0", "_vector": [1, 2]}])
    given = {"name": "t", "b": {"by": "hue"}, **changes}
    with pytest.raises(InvalidArgument, match=word):
        space.trials.start(Trial("shop", **given))
    assert space.trials.list("shop") == []


def test_questions_that_a_trial_can_t_take_are_refused(space, shop):
    space.trials.start(Trial("shop", "t", b={"by": "hue"}))
    space.trials.start(Trial("shop", "i", b={"by": "hue"}, method="interleave"))
    with pytest.raises(TrialExists):
        space.trials.start(Trial("shop", "t", b={"by": "shape"}))
    for question, word in (
        ({"trial": "t"}, "visitor"),
        ({"trial": "t", "visitor": ""}, "visitor"),
        ({"trial": "t", "visitor": 7}, "visitor"),
        ({"visitor": "v"}, "trial"),
        ({"trial": "t", "visitor": "v", "by": "hue"}, "variants"),
        ({"trial": "t", "visitor": "v", "weights": {"hue": 1}}, "variants"),
        ({"trial": "t", "visitor": "v", "k": None, "min_score": 0.1}, "1,000"),
        ({"trial": "i", "visitor": "v", "distinct": True}, "interleaved"),
        ({"trial": "i", "visitor": "v", "after": "x"}, "interleaved"),
    ):
        with pytest.raises(InvalidArgument, match=word):
            shop.search(**{"id": "r0", **question})
    found = shop.search(**QUESTION, trial="t", visitor="v")
    with pytest.raises(InvalidArgument, match="showed"):
        space.trials.log("shop", found.impression, "r0")
    with pytest.raises(InvalidArgument, match="click"):
        space.trials.log("shop", found.impression, found[0].id, "wink")
    filled(space, "elsewhere")
    with pytest.raises(EntryNotFound):
        space.trials.log("elsewhere", found.impression, found[0].id)
