"""Keys for classes."""

import pytest

from jobs.serving.keys import keys_of


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        (("cat", "dog"), "cd"),
        (("Cat", "dog"), "cd"),
        (("cat", "cow", "dog"), "12d"),
        (("jaguar", "kiwi", "unicorn", "xerus", "emu"), "12345"),  # keys of the page
        (("été", "7up", "dog"), "12d"),
        ((), ""),
    ],
)
def test_a_class_has_its_first_letter_or_a_digit(classes: tuple[str, ...], keys: str) -> None:
    assert keys_of(classes) == dict(zip(classes, keys, strict=True))


def test_the_tenth_class_without_a_letter_of_its_own_has_no_key() -> None:
    keys = keys_of([f"class {number}" for number in range(1, 11)])
    assert list(keys.values()) == [*"123456789", ""]
