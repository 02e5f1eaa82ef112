from __future__ import annotations

import logging
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.moderation.policy import FLOOR, RULES, Policy

shares = st.floats(0, 1)


def test_without_settings_the_floor_applies():
    policy = Policy()
    assert policy.thresholds == dict(FLOOR)
    assert policy.broken_rule({"explicit": 0.499}) is None
    assert policy.broken_rule({"explicit": 0.5}) == "explicit"


def test_settings_make_it_stricter():
    policy = Policy({"explicit": 0.2, "suggestive": 0.6})
    assert policy.broken_rule({"explicit": 0.2, "suggestive": 0.1}) == "explicit"
    assert policy.broken_rule({"explicit": 0.1, "suggestive": 0.6}) == "suggestive"
    assert policy.broken_rule({"explicit": 0.1, "suggestive": 0.1}) is None


def test_settings_that_would_relax_it_are_held_at_the_floor_and_said_so(caplog):
    with caplog.at_level(logging.WARNING):
        policy = Policy({"explicit": 0.9})
    assert policy.thresholds == dict(FLOOR)
    assert policy.broken_rule({"explicit": FLOOR["explicit"]}) == "explicit"
    assert "0.9 is more lenient than the floor" in caplog.text


@given(st.dictionaries(st.sampled_from(RULES), shares), st.fixed_dictionaries(dict.fromkeys(RULES, shares)))
def test_no_setting_lets_through_what_the_floor_refuses(thresholds, scores):
    if Policy().broken_rule(scores):
        assert Policy(thresholds).broken_rule(scores)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan, math.inf])
def test_thresholds_are_shares(threshold):
    with pytest.raises(ValueError, match="not within 0..1"):
        Policy({"explicit": threshold})


def test_a_misspelt_rule_is_refused():
    with pytest.raises(ValueError, match="no rule 'explict'"):
        Policy({"explict": 0.1})


def test_a_score_that_is_not_a_number_breaks_its_rule():
    assert Policy().broken_rule({"explicit": math.nan}) == "explicit"


def test_a_rule_of_the_floor_needs_a_score_and_others_do_not():
    with pytest.raises(KeyError):
        Policy().broken_rule({"suggestive": 0.1})
    assert Policy({"suggestive": 0.1}).broken_rule({"explicit": 0.1}) is None


def test_the_gravest_rule_is_named():
    assert Policy({"suggestive": 0.1}).broken_rule({"suggestive": 1.0, "explicit": 1.0}) == "explicit"


def test_a_policy_travels_between_processes():
    policy = pickle.loads(pickle.dumps(Policy({"explicit": 0.3})))
    assert policy.thresholds == {"explicit": 0.3}
