"""Name by its first bytes what a file is that cannot be used, so that its reason says what to do about it."""

# Pictures that Whisker does not decode, each with a Python package that does.
_PICTURES = {
    b"8BPS": ("PSD", "psd-tools"),
    b"%!PS": ("EPS", "pillow"),
    b"\0\0\1\0": ("an icon", "pillow"),
    b"\xff\x0a": ("JPEG XL", "pillow-jxl-plugin"),
    b"\0\0\0\x0cJXL \r\n\x87\n": ("JPEG XL", "pillow-jxl-plugin"),
    b"\xff\x4f\xff\x51": ("JPEG 2000", "pillow"),
    b"\0\0\0\x0cjP  \r\n\x87\n": ("JPEG 2000", "pillow"),
}
RAW = ("a raw photo of a camera", "rawpy")
_RAW_BEGINNINGS = (
    b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"II\x1a\0\0\0HEAPCCDR", b"FOVb",
)  # fmt: skip
_OTHERS = {
    b"%PDF-": "a PDF document",
    b"PK\3\4": "a ZIP archive",
    b"Rar!\x1a\7": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x1aE\xdf\xa3": "a video",
    b"\0\0\1\xba": "a video",
}
_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_GENERIC_BRANDS = frozenset((b"mif1", b"msf1"))  # the brands after it tell how the picture is coded
_MOST_BRANDS = 32
_MARKUP_BYTES = 1024  # a page or drawing says within these what it is


def is_avif(data: bytes) -> bool:
    """Return whether a file is an AVIF picture, also one that names this only among its compatible brands."""
    major, compatible = _brands(data)
    return major in _AVIF_BRANDS or (major in _GENERIC_BRANDS and bool(compatible & _AVIF_BRANDS))


def why_not_decoded(data: bytes) -> str:
    """Return the reason for the quarantine of a file that `read_image` has no decoder for."""
    if picture := _picture(data):
        return not_supported(*picture)
    other = next((name for first, name in _OTHERS.items() if data.startswith(first)), None)
    if other is None and _is_video(data):
        other = "a video"
    if other is None and _markup(data) == "html":
        other = "a web page (HTML)"
    return f"not an image but {other}" if other else "not an image"


def not_supported(name: str, package: str) -> str:
    """Return the reason for a format that a Python package, but not Whisker, can read."""
    return (
        f"{name} is not supported; convert it to JPEG or PNG, for instance with the Python package {package}"
    )


def _picture(data: bytes) -> tuple[str, str] | None:
    major, compatible = _brands(data)
    if is_avif(data):
        return "AVIF", "pillow"  # an installation of Pillow without its AVIF decoder
    if major in _HEIC_BRANDS or (major and compatible & _HEIC_BRANDS):
        return "HEIC", "pillow-heif"
    if major == b"crx " or data.startswith(_RAW_BEGINNINGS):
        return RAW
    if _markup(data) == "svg":
        return "SVG", "cairosvg"
    return next((picture for first, picture in _PICTURES.items() if data.startswith(first)), None)


def _brands(data: bytes) -> tuple[bytes, frozenset[bytes]]:
    """Return the major and the compatible brands of an ISO base media file; none of another file."""
    if data[4:8] != b"ftyp":
        return b"", frozenset()
    end = min(int.from_bytes(data[:4], "big"), 16 + 4 * _MOST_BRANDS)
    return data[8:12], frozenset(data[start : start + 4] for start in range(16, end, 4))


def _is_video(data: bytes) -> bool:
    """Return whether it is AVI, MP4 or QuickTime; these begin with the size and the name of a box."""
    if data[:4] == b"RIFF":
        return data[8:12] == b"AVI "
    is_size = data[:1] < b"\x20"  # not a letter: a text may have these names, too
    return data[4:8] == b"ftyp" or (is_size and data[4:8] in (b"moov", b"mdat", b"wide"))


def _markup(data: bytes) -> str | None:
    start = data[:_MARKUP_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not start.startswith(b"<"):
        return None
    if b"<!doctype html" in start or b"<html" in start:
        return "html"
    return "svg" if b"<svg" in start else None
