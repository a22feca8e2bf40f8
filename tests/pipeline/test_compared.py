from random import Random

from pipeline.compared import compare_all, likeness_among
from pipeline.leaks import fingerprints_of, likeness
from pipeline.perceptual_hash import as_words, variants
from pipeline.records import FileState, SnapshotImage
from tests.db.samples import file_state, sha


def alike(random: Random, count: int) -> list[FileState]:
    """Return files of which many show equal, nearly equal or mirrored pictures."""
    pictures = [random.randbytes(16) for _ in range(4)]
    files = []
    for number in range(count):
        shown = variants(as_words([random.choice(pictures)]))[random.choice((0, 0, 1, 5))]
        fingerprint = bytearray(shown.astype("<u8").tobytes())
        if random.random() < 0.5:
            fingerprint[random.randrange(16)] ^= 1 << random.randrange(8)
        files.append(file_state(b"%d" % number, sha256=sha(str(number)), fingerprint=bytes(fingerprint)))
    return files


def test_what_is_known_of_all_tells_what_is_alike_among_some() -> None:
    random = Random(3)
    for _ in range(20):
        files = alike(random, 14)
        compared = compare_all(files)
        chosen = random.sample(files, random.randint(0, 14))
        images = [SnapshotImage(file.sha256 or "", "cat", "train", file.path) for file in chosen]
        assert likeness_among(images, compared) == likeness(images, fingerprints_of(files))
