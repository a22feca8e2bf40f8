"""A clock that was set."""

from jobs.watching.wall_clock import WallClock


def test_a_jump_is_told_once_and_with_its_direction() -> None:
    clock = WallClock(1_000_000.0, 50.0)
    assert clock.jump(1_000_010.0, 60.0) == 0.0
    assert clock.jump(1_000_010.0 + 7200, 60.0) == 7200
    assert clock.jump(1_000_011.0 + 7200, 61.0) == 0.0
    assert clock.jump(1_000_012.0, 62.0) == -7200


def test_a_machine_that_slept_looks_like_a_jump() -> None:
    assert WallClock(1_000_000.0, 50.0).jump(1_003_600.0, 51.0) == 3599


def test_a_clock_that_is_set_right_little_by_little_does_not_jump() -> None:
    clock = WallClock(0.0, 0.0)
    assert all(clock.jump(second * 1.01, second) == 0.0 for second in range(1, 100_000, 10))
