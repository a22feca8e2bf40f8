from pipeline.report.page_mark import HEAD, mark_of, page_mark
from pipeline.report.render import render_cycle
from tests.pipeline.example_cycles import finished_cycle


def test_a_mark_changes_with_the_state_and_only_then() -> None:
    assert page_mark("one") == page_mark("one")
    assert page_mark("one") != page_mark("another")


def test_a_page_carries_its_mark_where_it_is_looked_for() -> None:
    page = render_cycle(finished_cycle(), page_mark("one")).encode()

    assert mark_of(page[:HEAD]) == page_mark("one")


def test_a_page_without_a_mark_has_none() -> None:
    assert mark_of(render_cycle(finished_cycle()).encode()[:HEAD]) is None
    assert mark_of(b"") is None
