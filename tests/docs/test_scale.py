"""docs/SCALE.md against the results that it quotes."""

from benchmarks.results import RESULTS
from docs.make.scale import DOCUMENT, with_tables


def test_the_tables_are_those_of_the_results() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document.count("\n|---") >= 8
    assert with_tables(document, RESULTS.read_text(encoding="utf-8")) == document
