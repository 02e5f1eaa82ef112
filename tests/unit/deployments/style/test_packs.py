from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from deployments.errors import UnknownStyle
from deployments.style.packs import StyleBook


def test_styles_come_in_the_order_of_the_packs_with_what_people_are_told(network, make_pack) -> None:
    book = StyleBook(network, [make_pack("dots", "lines"), make_pack("waves")])
    assert [style.name for style in book.styles] == ["dots", "lines", "waves"]
    dots = book.styles[0]
    assert (dots.title, dots.artist, dots.year, dots.licence) == ("Dots", "Nobody", 1900, "public domain")
    assert dots.preview.startswith(b"\xff\xd8")


def test_the_identity_is_not_offered_as_a_style(network, make_pack) -> None:
    book = StyleBook(network, [make_pack("dots")])
    with pytest.raises(UnknownStyle):
        book.blend([("identity", 1.0)], 1.0)


def test_a_blend_is_the_normalised_weighted_mean_of_the_vectors(network, make_pack) -> None:
    book = StyleBook(network, [make_pack("dots", "lines")])
    dots, lines = (book.blend([(name, 1.0)], 1.0) for name in ("dots", "lines"))
    np.testing.assert_allclose(
        book.blend([("dots", 3), ("lines", 1)], 1.0), 0.75 * dots + 0.25 * lines, rtol=1e-5, atol=1e-6
    )


def test_the_same_proportions_give_the_same_vector(network, make_pack) -> None:
    book = StyleBook(network, [make_pack("dots", "lines")])
    np.testing.assert_array_equal(
        book.blend([("dots", 1), ("lines", 1)], 1.0), book.blend([("dots", 4), ("lines", 4)], 1.0)
    )


def test_strength_leads_from_the_identity_to_the_style(network, make_pack) -> None:
    pack = make_pack("dots")
    book = StyleBook(network, [pack])
    vectors = load_file(pack.path("styles.safetensors"))
    np.testing.assert_allclose(book.blend([("dots", 1)], 0.0), vectors["identity"])
    np.testing.assert_allclose(book.blend([("dots", 1)], 1.0), vectors["dots"])


def test_another_pack_changes_no_style_by_a_bit(network, make_pack) -> None:
    first = make_pack("dots", "lines")
    alone, together = StyleBook(network, [first]), StyleBook(network, [first, make_pack("waves")])
    for strength in (0.3, 1.0):
        np.testing.assert_array_equal(alone.blend([("dots", 1)], strength), together.blend([("dots", 1)], strength))


def test_a_name_nobody_has_is_an_unknown_style(network, make_pack) -> None:
    with pytest.raises(UnknownStyle) as caught:
        StyleBook(network, [make_pack("dots")]).blend([("dots", 1), ("blobs", 1)], 1.0)
    assert caught.value.details == {"style": "blobs"}


def test_a_pack_made_for_other_weights_is_refused(network, make_pack) -> None:
    with pytest.raises(ValueError, match="other weights"):
        StyleBook(network, [make_pack("dots", requires={"tiny-style": "0" * 64})])


def test_a_pack_made_for_another_network_is_refused(network, make_pack) -> None:
    with pytest.raises(ValueError, match="not made for tiny-style"):
        StyleBook(network, [make_pack("dots", requires={"grand-style": "0" * 64})])


def test_a_pack_that_pins_no_network_is_refused(network, make_pack) -> None:
    with pytest.raises(ValueError, match="not made for tiny-style"):
        StyleBook(network, [make_pack("dots", requires={})])


def test_vectors_of_a_wrong_length_are_refused(network, make_pack) -> None:
    with pytest.raises(ValueError, match="this network takes"):
        StyleBook(network, [make_pack("dots", size=7)])


def test_vectors_with_values_that_are_no_numbers_are_refused(network, make_pack) -> None:
    pack = make_pack("dots")
    vectors = load_file(pack.path("styles.safetensors"))
    vectors["dots"][3] = np.nan
    save_file(vectors, pack.path("styles.safetensors"))
    with pytest.raises(ValueError, match="no numbers"):
        StyleBook(network, [pack])


def test_a_listed_style_without_a_vector_is_refused(network, make_pack) -> None:
    pack = make_pack("dots")
    vectors = load_file(pack.path("styles.safetensors"))
    del vectors["dots"]
    save_file(vectors, pack.path("styles.safetensors"))
    with pytest.raises(ValueError, match="no vector"):
        StyleBook(network, [pack])


def test_two_packs_with_the_same_style_are_refused(network, make_pack) -> None:
    with pytest.raises(ValueError, match="already has"):
        StyleBook(network, [make_pack("dots"), make_pack("lines", "dots")])
