"""Numbers in words."""

import pytest

from lookalike.describers.calibration import Calibration
from lookalike.pages import render
from lookalike.pages.render import collection_link, link
from lookalike.pages.words import evidence_of, judge, sentence_of, tone_of
from lookalike.records import Comparison


def test_a_score_is_judged_by_its_probability_where_a_curve_is_known():
    curve = Calibration(scale=20.0, offset=-16.0)  # even odds at a cosine of 0.8
    assert judge("copy", 0.8, curve).word == "likely a copy"
    assert judge("copy", 0.79, curve).word == "perhaps a copy"
    assert judge("copy", 1.0, Calibration(1.0, 0.0)).word == "same picture"
    assert judge("copy", 0.2, curve).tone == "apart"


def test_without_a_curve_the_score_itself_is_judged():
    assert [judge("color", score, None).word for score in (0.9, 0.89, 0.5, 0.15, 0.1)] == [
        "same colors",
        "close colors",
        "close colors",
        "some shared colors",
        "other colors",
    ]


def test_the_nearest_of_many_are_called_similar_only_near_the_top_of_their_curve():
    curve = Calibration(scale=9.8, offset=-0.8, top=0.83)
    assert [judge("meaning", score, curve).word for score in (1.0, 0.6, 0.47, 0.3, 0.2)] == [
        "very similar",
        "very similar",
        "similar",
        "somewhat similar",
        "unlike",
    ]


@pytest.mark.parametrize("verdict", ["identical", "edited-copy", "near-duplicate", "similar", "unrelated"])
def test_every_verdict_has_a_sentence_and_a_tone(verdict):
    found = Comparison(0.5, verdict, 0.5, "auto", "provisional")
    assert sentence_of(found).endswith(".")
    assert tone_of(found) in ("same", "near", "alike", "apart")


def test_evidence_that_is_not_known_here_is_shown_as_it_came():
    found = Comparison(0.5, "similar", 0.5, "auto", "provisional", evidence={"key_points": {"matched": 12}})
    (one,) = evidence_of(found)
    assert (one.name, one.text, one.share) == ("Key points", '{"matched": 12}', None)
    other = Comparison(0.5, "similar", 0.5, "auto", "provisional", evidence={"ssim": {"mean": 0.5}})
    assert evidence_of(other)[0].text == '{"mean": 0.5}'


def test_geometry_is_told_whether_details_fell_into_place_or_not():
    facts = {"keypoints_aligned": 40, "agreement": 0.97, "share_of_a": 0.5, "share_of_b": 1.0, "mirrored": True}
    found = Comparison(0.9, "edited-copy", 0.9, "auto", "provisional", evidence={"geometry": facts})
    (one,) = evidence_of(found)
    assert one.text.startswith("40 details fall into place, mirrored: 50% of the first is 100% of the second")
    assert one.share == 0.97
    nothing = Comparison(0.1, "unrelated", 0.1, "auto", "", evidence={"geometry": {"keypoints_aligned": 0}})
    assert evidence_of(nothing)[0].share == 0.0
    skipped = {"looked_for": False, "keypoints_aligned": None}
    (one,) = evidence_of(Comparison(0.9, "edited-copy", 0.9, "auto", "", evidence={"geometry": skipped}))
    assert (one.text, one.share) == ("Not looked for: all else agrees already", None)


def test_links_carry_any_id_and_leave_out_what_is_not_said():
    assert link("/x", a="ü/ &", b=None, c=False, d="", e=0, f=True) == "/x?a=%C3%BC%2F+%26&e=0&f=1"
    assert collection_link("a.b-c", "thumb", id="\ud800") == "/collections/a.b-c/thumb?id=%3F"


def test_only_identical_things_are_said_to_be_1():
    show = render._templates.from_string("{{ score | percent }} {{ score | exactly }}").render
    assert [show(score=score) for score in (1.0, 0.999999, 0.5, 0.0)] == [
        "100% 1.0000",
        "99% 0.9999",
        "50% 0.5000",
        "0% 0.0000",
    ]
