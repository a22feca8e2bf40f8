"""What a document points to is there: other documents, headings, files of the repository."""

import re

import pytest

from tests.conftest import REPOSITORY
from tests.docs.markdown import DOCUMENTS, anchors, code_words, links, tables

TOP = {"jobs", "pipeline", "db", "templates", "tests", "docs", "deploy", "benchmarks", ".ci"}
LARGEST_PICTURE = 150_000  # bytes


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    document = DOCUMENTS[name]
    for link in links(document):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(name: str) -> None:
    """SECTION stands for any."""
    for words in code_words(DOCUMENTS[name]):
        if re.fullmatch(r"[\w.]+(/[\w.*-]+)+\.\w+", words) and words.split("/")[0] in TOP:
            assert list(REPOSITORY.glob(words.replace("SECTION", "*"))), words


def test_the_architecture_names_files_by_their_whole_path() -> None:
    """So that the test above looks for them."""
    (where_to_look,) = [rows for rows in tables(DOCUMENTS["docs/ARCHITECTURE.md"]) if rows[0][1] == "file"]
    for _, files in where_to_look[1:]:
        assert not re.search(r"`[\w*]+\.(py|html)`", files), files


def test_every_document_is_in_the_index() -> None:
    index = DOCUMENTS["docs/README.md"]
    linked = {(index.parent / link).resolve() for link in links(index)}
    documents = {path.resolve() for path in DOCUMENTS.values()}
    assert documents - linked == {index, REPOSITORY / "README.md"}


def test_pictures_are_small_and_shown() -> None:
    pictures = set((REPOSITORY / "docs").rglob("*.png"))
    shown = {(path.parent / link).resolve() for path in DOCUMENTS.values() for link in links(path)}
    assert pictures <= shown
    assert [file.name for file in pictures if file.stat().st_size > LARGEST_PICTURE] == []
