from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.errors import InvalidField
from deployments.faces.types import Face, Pose, Quality
from deployments.swap.mapping import check, read


def faces(count: int, small: tuple[int, ...] = ()) -> list[Face]:
    """So many faces from left to right, the ``small`` ones of 23 px."""
    sizes = [23.0 if index in small else 24.0 for index in range(count)]
    points = np.zeros((5, 2), np.float32)
    return [Face((0, 0, s, s), 1, points, None, Pose(0, 0, 0), Quality(s, 0, 1), None, None) for s in sizes]


def test_one_source_goes_on_every_face():
    assert read(None).among(faces(1), faces(3)) == ((0, 0), (0, 1), (0, 2))
    assert read("  ").among(faces(1), faces(2)) == ((0, 0), (0, 1))


def test_several_sources_go_from_left_to_right():
    assert read(None).among(faces(2), faces(3)) == ((0, 0), (1, 1))
    assert read(None).among(faces(3), faces(2)) == ((0, 0), (1, 1))


def test_pairs_say_which_source_goes_where():
    assert read("0:1, 1:0").among(faces(2), faces(2)) == ((0, 1), (1, 0))


def test_empty_entries_of_a_mapping_do_not_count():
    assert read("0:1, ,1:0,").among(faces(2), faces(3)) == ((0, 1), (1, 0))


def test_one_source_may_go_on_several_faces():
    assert read("1:0,1:2").among(faces(2), faces(3)) == ((1, 0), (1, 2))


def test_skip_alone_leaves_every_face():
    assert read("skip").among(faces(1), faces(3)) == ()
    assert read(" SKIP ").among(faces(2), faces(1)) == ()


def test_a_skipped_face_is_left_out_of_the_default():
    assert read("skip:1").among(faces(1), faces(3)) == ((0, 0), (0, 2))
    assert read("skip:0").among(faces(2), faces(3)) == ((0, 1), (1, 2))


def test_skips_beside_pairs_change_nothing():
    assert read("0:1,skip:0").among(faces(1), faces(3)) == ((0, 1),)


def test_skip_beside_pairs_leaves_the_others():
    assert read("0:1,skip").among(faces(1), faces(3)) == ((0, 1),)
    assert read("skip,1:0").among(faces(2), faces(2)) == ((1, 0),)


def test_a_source_may_go_nowhere():
    assert read("0:1,1:skip").among(faces(2), faces(3)) == ((0, 1),)
    assert read("0:skip").among(faces(2), faces(3)) == ((1, 0), (1, 1), (1, 2))
    assert read("0:skip").among(faces(3), faces(3)) == ((1, 0), (2, 1))
    assert read("0:skip").among(faces(1), faces(3)) == ()


def test_people_far_in_the_background_give_no_face_and_take_none_of_several():
    assert read(None).among(faces(2, small=(0,)), faces(2)) == ((1, 0), (1, 1))
    assert read(None).among(faces(2), faces(4, small=(0, 2))) == ((0, 1), (1, 3))
    assert read("skip:1").among(faces(3, small=(1,)), faces(4, small=(0,))) == ((0, 2), (2, 3))


def test_a_face_too_small_is_tried_where_it_is_meant_or_there_is_no_other():
    assert read("0:0").among(faces(2, small=(0,)), faces(2, small=(0,))) == ((0, 0),)
    assert read(None).among(faces(1, small=(0,)), faces(1, small=(0,))) == ((0, 0),)
    assert read(None).among(faces(2, small=(0, 1)), faces(2)) == ((0, 0), (1, 1))
    # One source goes on every face: who asked hears of those that were too small for it.
    assert read(None).among(faces(1), faces(2, small=(1,))) == ((0, 0), (0, 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0:5", "no target face 5; there are 3, numbers 0 to 2"),
        ("4:0", "no source face 4; there are 2, numbers 0 to 1"),
        ("skip:7", "no target face 7"),
        ("0:0,1:0", "target face 0 is named twice"),
        ("0:0,skip:0", "target face 0 is named twice"),
        ("7:skip", "no source face 7"),
        ("0:1,0:skip", "source face 0 goes on target face 1 or nowhere"),
        ("skip:skip", "not source:target"),
        ("0-1", "'0-1' is not source:target"),
        ("0:", "not source:target"),
        (" , ", "',' is not source:target"),
        ("-1:0", "not source:target"),
        ("٣:0", "not source:target"),
        ("99999999999:0", "not source:target"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(text, words):
    with pytest.raises(InvalidField, match="mapping") as caught:
        read(text).among(faces(2), faces(3))
    assert words in caught.value.message
    assert caught.value.details["field"] == "mapping"


def test_a_single_face_is_spoken_of_in_the_singular():
    with pytest.raises(InvalidField, match="there is 1, number 0"):
        read("0:1").among(faces(1), faces(1))


def test_a_mapping_from_elsewhere_is_checked_the_same_way():
    check([(0, 0), (0, 1)], 1, 2)
    for pairs in ([(0, 2)], [(1, 0)], [(-1, 0)], [(0, 0), (0, 0)]):
        with pytest.raises(InvalidField):
            check(pairs, 1, 2)


@given(st.text(alphabet="0123456789:, skipSKIP-;\n٣", max_size=30), st.integers(1, 5), st.integers(1, 5))
def test_any_text_is_a_mapping_of_faces_that_are_there_or_refused(text, sources, targets):
    try:
        pairs = read(text).among(faces(sources), faces(targets))
    except InvalidField:
        return
    assert all(0 <= source < sources and 0 <= target < targets for source, target in pairs)
    assert len({target for _, target in pairs}) == len(pairs)
