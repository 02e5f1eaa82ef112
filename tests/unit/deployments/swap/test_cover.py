from __future__ import annotations

from deployments.swap.cover import below_brows


def test_the_lower_part_of_a_face_reaches_over_both_pairs_of_brows(portrait):
    low, high = portrait().face.dense, portrait().face.dense.copy()
    high[17:27, 1] -= 10
    part = below_brows((200, 200), (low, high), (3, 3))
    for points in (low, high):
        for x, y in points[18:26].astype(int):
            assert part[y, x] == 1
