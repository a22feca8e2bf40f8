"""Differences between snapshots."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.differences import count_by_kind, differences
from pipeline.records import Snapshot, SnapshotImage, Split


def image(content: str, path: str, split: Split = "train") -> SnapshotImage:
    return SnapshotImage(content, path.split("/")[0], split, path.encode())


def snapshot(*images: SnapshotImage) -> Snapshot:
    return Snapshot("digest", ("cat", "dog"), images, ())


def test_three_files_moved_to_the_other_class_are_three_relabels() -> None:
    before = snapshot(*(image(f"c{i}", f"cat/{i}.jpg") for i in range(5)))
    now = snapshot(*(image(f"c{i}", f"{'dog' if i < 3 else 'cat'}/{i}.jpg") for i in range(5)))
    changes = differences(before, now)
    assert count_by_kind(changes) == {"relabelled": 3}
    assert {(change.label, change.before) for change in changes} == {("dog", "cat")}


def test_each_kind_is_told_from_the_others() -> None:
    before = snapshot(
        image("same", "cat/1"), image("moves", "cat/2"), image("goes", "cat/3"),
        image("old", "dog/4"), image("tests", "dog/5"),
    )  # fmt: skip
    now = snapshot(
        image("same", "cat/1"), image("moves", "cat/sub/2"), image("comes", "cat/6"),
        image("new", "dog/4"), image("tests", "dog/5", "test"),
    )  # fmt: skip
    found = {(change.kind, change.sha256, change.before) for change in differences(before, now)}
    assert found == {
        ("moved", "moves", None),
        ("removed", "goes", None),
        ("added", "comes", None),
        ("replaced", "new", "old"),
        ("other split", "tests", "train"),
    }


def test_without_a_snapshot_before_everything_is_added() -> None:
    now = snapshot(image("a", "cat/1"), image("b", "dog/1"))
    assert count_by_kind(differences(None, now)) == {"added": 2}


FILES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["cat/1", "cat/2", "dog/1", "dog/2"])),
    unique_by=(lambda file: file[0], lambda file: file[1]),
)


@given(FILES, FILES)
def test_no_image_is_in_two_changes_and_none_that_came_or_went_is_forgotten(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    before, now = (snapshot(*(image(*file) for file in files)) for files in (one, other))
    changes = differences(before, now)
    touched = [change.sha256 for change in changes]
    touched += [change.before for change in changes if change.kind == "replaced" and change.before]
    assert len(touched) == len(set(touched))
    assert {content for content, _ in one} ^ {content for content, _ in other} <= set(touched)
    assert differences(now, now) == ()
