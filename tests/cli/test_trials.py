"""`lookalike trial` as its users run it."""

import lookalike
from lookalike.catalog import Trial
from lookalike.work import Background


def test_a_trial_is_begun_looked_at_promoted_and_forgotten(run, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        shop = space.create("shop", kind="custom", entities={"shape": 2, "hue": 2})
        shop.add({"_id": f"r{i}", "_vector": {"shape": [1, i], "hue": [1, i * 7 % 20]}} for i in range(20))
    begun = run("trial", "start", "shop", "warmer", "--a", "shape", "--b", "shape=0.4,hue=0.6", "--effect", "0.1")
    assert begun.code == 0, begun.err
    [row] = run("trial", "list", "shop", "--format", "json").json
    assert (row["a"], row["b"]) == ({"weights": {"shape": 1.0}}, {"weights": {"shape": 0.4, "hue": 0.6}})
    with lookalike.open(tmp_path / "space") as space:
        for visitor in range(6):
            found = space.get("shop").search(id="r0", k=3, trial="warmer", visitor=str(visitor))
            space.trials.log("shop", found.impression, found[0].id)
        # the figures can be read while another process has the workspace
        told = run("trial", "report", "shop", "warmer", "--format", "json").json
    assert sum(arm["reached"] for arm in told["arms"]) == 6
    shown = run("trial", "report", "shop", "warmer")
    assert told["verdict"] in shown.out
    assert "always valid" in shown.out
    assert "shape 0.4, hue 0.6" in shown.out
    assert run("trial", "promote", "shop", "warmer", "b").code == 0
    with lookalike.open(tmp_path / "space") as space:
        assert space.get("shop").settings.weights == {"shape": 0.4, "hue": 0.6}
    over = run("trial", "drop", "shop", "warmer")
    assert (over.code, over.err.count("\n")) == (2, 1)
    assert "promoted already" in over.err
    assert run("trial", "forget", "shop", "warmer").code == 0
    gone = run("trial", "report", "shop", "warmer")
    assert (gone.code, gone.err.count("\n")) == (2, 1)


def test_bad_values_are_one_line(run, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        space.create("shop", kind="custom", entities={"shape": 2})
    for arguments, word in (
        (("shop", "t", "--b", "smell"), "shape"),
        (("shop", "t", "--b", "shape=much"), "weights"),
        (("shop", "t", "--b", "{"), "weights"),
        (("shop", "t", "--b", "@nobody"), "nobody"),
        (("shop", "t", "--b", "tags=1"), "above 0"),
        (("shop", "t", "--b", "shape", "--method", "toss"), "interleave"),
        (("nobody", "t", "--b", "shape"), "nobody"),
    ):
        refused = run("trial", "start", *arguments)
        assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
        assert word in refused.err


def test_another_collection_is_promoted_here_or_by_the_service_that_has_it(run, tmp_path):
    with lookalike.open(tmp_path / "space") as space:
        for turn, name in enumerate(("shop", "larger")):
            collection = space.create(name, kind="custom", entities={"shape": 2})
            collection.add({"_id": f"r{i}", "_vector": {"shape": [i + 1, (i * 7 + turn) % 5]}} for i in range(20))
        expected = [match.id for match in collection.search(id="r3", k=5)]
        for name in ("one", "two", "three"):
            space.trials.start(Trial("shop", name, b={"collection": "larger"}))
    done = run("trial", "promote", "shop", "one", "b")
    assert done.code == 0, done.err
    with lookalike.open(tmp_path / "space") as space, Background(space, ["promote"], scheduled=False):
        assert [match.id for match in space.get("shop").search(id="r3", k=5)] == expected
        served = run("trial", "promote", "shop", "two", "b")
        assert served.code == 0, served.err
        assert "in use by" in served.err
        assert space.trials.find("shop", "two").promoted == "b"
        space.get("larger").delete(["r1"])
        failed = run("trial", "promote", "shop", "three", "b")
        assert failed.code == 1
        assert "19 are in both" in failed.err
    over = run("trial", "promote", "shop", "one", "b")
    assert (over.code, over.err.count("\n")) == (2, 1)
    assert "promoted already" in over.err
