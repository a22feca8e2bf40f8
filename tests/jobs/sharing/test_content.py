import pytest

from jobs.sharing.content import pack_files, pack_images, unpack_files, unpack_images
from pipeline.records import FileState, SnapshotImage

STRANGE = b"cat/caf\xe9\n\xff \xf0\x9f\x90\x88.jpg"  # not UTF-8, and a line's end
SEEN = FileState(STRANGE, 7, 2**63 - 1, -1, 2**64 - 1, None, None, None, None)
READ = FileState(STRANGE, 7, 1, 2, 3, "ab" * 32, 24, 25, None, bytes(range(256)))
BAD = FileState(b"cat/text.jpg", 7, 1, 2, 3, "cd" * 32, None, None, 'not an "image" \udce9')


@pytest.mark.parametrize("files", [[], [SEEN, READ, None, BAD]], ids=["none", "all kinds"])
def test_files_come_back_as_they_were(files: list[FileState | None]) -> None:
    assert unpack_files(pack_files(files)) == files


def test_of_images_content_and_path_come_back() -> None:
    packed = pack_images([SnapshotImage("ab" * 32, "dog", "test", STRANGE)])
    assert [(image.sha256, image.path) for image in unpack_images(packed)] == [("ab" * 32, STRANGE)]
