"""The outside of a file that PyTorch wrote since version 1.6: a zip archive of one pickle and raw storages.

    NAME/data.pkl    the state dict; a tensor names its storage
    NAME/data/KEY    the bytes of a storage
    NAME/byteorder   "little" or "big"; missing in older files, which are little-endian

PyTorch compresses nothing, so an archive that would grow when it is unpacked is refused unread.
"""

import zipfile
from io import BytesIO

from pipeline.pretrained.refused import refuse

MAGIC = b"PK\x03\x04"
PICKLE = "data.pkl"


class TorchZip:
    """The members of one archive."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(BytesIO(content))
        members = self._archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            refuse("a part of it is compressed, which PyTorch never does")
        if sum(member.file_size for member in members) > len(content):
            refuse("its parts are larger than the file")
        self._folder = self._find_folder()
        if self._holds("byteorder") and self._read("byteorder").strip() != b"little":
            refuse("it was not written by a little-endian machine")

    def pickle(self) -> bytes:
        """Return the pickle of the state dict."""
        return self._read(PICKLE)

    def storage(self, key: str) -> bytes:
        """Return the bytes of a storage."""
        if not self._holds(f"data/{key}"):
            refuse(f"storage {key!r:.80} is missing")
        return self._read(f"data/{key}")

    def _find_folder(self) -> str:
        pickles = [name for name in self._archive.namelist() if name.endswith(f"/{PICKLE}")]
        if len(pickles) != 1:
            refuse("it is a zip archive, but not one that PyTorch wrote")
        return pickles[0].removesuffix(PICKLE)

    def _holds(self, name: str) -> bool:
        return f"{self._folder}{name}" in self._archive.NameToInfo

    def _read(self, name: str) -> bytes:
        return self._archive.read(f"{self._folder}{name}")
