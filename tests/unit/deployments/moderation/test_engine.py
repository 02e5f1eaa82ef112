from __future__ import annotations

import math

import pytest

from deployments.backends import Backends
from deployments.errors import Unavailable
from deployments.moderation import engine as module
from deployments.moderation.engine import ModerationEngine, Policy, Verdict, build


def test_a_verdict_holds_scores_and_the_broken_rule(fixed, photo):
    allowed, refused = {"explicit": 0.1, "suggestive": 0.9}, {"explicit": 0.7}
    verdicts = ModerationEngine(fixed([allowed, refused]), Policy()).run([photo, photo])
    assert verdicts == [Verdict(True, allowed, None), Verdict(False, refused, "explicit")]


def test_a_batch_goes_to_the_classifier_at_once(fixed, photo):
    classifier = fixed({"explicit": 0.1})
    ModerationEngine(classifier, Policy()).run([photo] * 5)
    assert classifier.asked == [5]


def test_an_empty_batch_asks_nobody(fixed):
    classifier = fixed({"explicit": 0.1})
    assert ModerationEngine(classifier, Policy()).run([]) == []
    assert classifier.asked == []


@pytest.mark.parametrize(
    "scores",
    [
        {"explicit": math.nan},
        {"explicit": math.inf},
        {"explicit": 0.1, "suggestive": math.nan},
        {"suggestive": 0.1},
        {},
    ],
)
def test_a_picture_that_cannot_be_rated_is_not_allowed(fixed, photo, scores):
    engine = ModerationEngine(fixed(scores), Policy())
    with pytest.raises(Unavailable):
        engine.run([photo])
    with pytest.raises(ValueError, match="no probability for explicit"):
        engine.warm_up()


def test_a_classifier_that_skips_pictures_is_not_believed(fixed, photo):
    with pytest.raises(Unavailable):
        ModerationEngine(fixed([{"explicit": 0.0}]), Policy()).run([photo, photo])


def test_closing_the_engine_closes_the_classifier(fixed):
    classifier = fixed({"explicit": 0.1})
    ModerationEngine(classifier, Policy()).close()
    assert classifier.closed


def test_one_version_decides_alone_and_several_vote(monkeypatch, fixed, make_version, tmp_path, runtime):
    loaded = lambda version, _runtime: fixed({"explicit": 0.1}, version.ref)  # noqa: E731
    known = {"open-nsfw": (loaded, ()), "transformers": (loaded, ())}
    monkeypatch.setattr(module, "MODERATORS", Backends("moderation", known))
    one = make_version(tmp_path, "open-nsfw", "one")
    other = make_version(tmp_path, "transformers", "other")
    assert build([one], Policy(), runtime).name == "one@v1"
    assert build([one, other], Policy(), runtime).name == "one@v1+other@v1"


def test_nothing_to_moderate_with_is_a_failure_at_the_start(runtime):
    with pytest.raises(ValueError, match="no model to moderate with"):
        build([], Policy(), runtime)


def test_an_unknown_backend_is_named(make_version, tmp_path, runtime):
    with pytest.raises(ValueError, match=r"stand-in@v1.*'crystal-ball'"):
        build([make_version(tmp_path, "crystal-ball")], Policy(), runtime)
