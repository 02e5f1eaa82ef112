from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import Unavailable
from deployments.moderation.engine import ModerationEngine, Policy
from deployments.moderation.vote import Vote


def vote(fixed, *given_scores):
    return Vote([fixed(scores, f"voter-{number}@v1") for number, scores in enumerate(given_scores)])


@pytest.mark.parametrize(
    ("scores", "allowed"),
    [
        ((0.9,), False),
        ((0.9, 0.1), False),
        ((0.9, 0.1, 0.1), True),
        ((0.9, 0.6, 0.1), False),
        ((0.9, 0.1, 0.1, 0.1), True),
        ((0.9, 0.6, 0.1, 0.1), False),
        ((0.1, 0.1), True),
    ],
)
def test_at_least_half_have_to_see_the_rule_broken(fixed, photo, scores, allowed):
    combined = vote(fixed, *({"explicit": score} for score in scores))
    assert ModerationEngine(combined, Policy()).run([photo])[0].allowed is allowed


@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=6), threshold=st.floats(0, 1))
def test_the_combined_score_stands_for_the_count_at_any_threshold(fixed, photo, scores, threshold):
    combined = vote(fixed, *({"explicit": score} for score in scores)).scores([photo])[0]["explicit"]
    in_favour = sum(score >= threshold for score in scores)
    assert (combined >= threshold) == (2 * in_favour >= len(scores))


def test_only_those_who_know_a_rule_vote_on_it(fixed, photo):
    combined = vote(fixed, {"explicit": 0.2}, {"explicit": 0.1}, {"explicit": 0.3, "suggestive": 0.8})
    assert combined.scores([photo]) == [{"explicit": 0.2, "suggestive": 0.8}]


def test_one_voter_without_a_number_closes_the_door(fixed, photo):
    combined = vote(fixed, {"explicit": 0.0}, {"explicit": math.nan}, {"explicit": 0.0})
    with pytest.raises(Unavailable):
        ModerationEngine(combined, Policy()).run([photo])


def test_every_voter_sees_the_whole_batch_and_is_closed(fixed, photo):
    voters = [fixed({"explicit": 0.1}, "a@v1"), fixed({"explicit": 0.2}, "b@v1")]
    combined = Vote(voters)
    assert len(combined.scores([photo] * 3)) == 3
    combined.close()
    assert combined.name == "a@v1+b@v1"
    assert [(voter.asked, voter.closed) for voter in voters] == [([3], True), ([3], True)]
