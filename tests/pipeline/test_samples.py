import hashlib

import numpy as np

from pipeline.samples import drawn_rows

KEYS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(110)]
LABELS = np.array([0] * 80 + [1] * 29 + [2])


def test_of_each_class_the_same_share_is_drawn_and_at_least_one() -> None:
    assert [len(own) for own in drawn_rows(LABELS, KEYS, 55)] == [40, 14, 1]
    assert [len(own) for own in drawn_rows(LABELS, KEYS, 1_000)] == [80, 29, 1]
    assert all((LABELS[own] == label).all() for label, own in enumerate(drawn_rows(LABELS, KEYS, 55)))


def test_what_is_drawn_hangs_on_the_content_and_not_on_the_order() -> None:
    order = np.random.default_rng(0).permutation(110)
    mixed = drawn_rows(LABELS[order], [KEYS[row] for row in order], 30)
    plain = drawn_rows(LABELS, KEYS, 30)
    assert [order[own].tolist() for own in mixed] == [own.tolist() for own in plain]
