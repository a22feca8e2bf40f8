"""A server that speaks as much of S3 as a listing needs, with any number of keys that it makes up."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

CLASSES = ("cat", "dog")
_ENTRY = (
    "<Contents><Key>{prefix}{number:08d}.jpg</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    '<ETag>"{number:032x}"</ETag><Size>50000</Size><StorageClass>STANDARD</StorageClass></Contents>'
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    keys = 0  # in each class

    def do_GET(self) -> None:
        """Answer ListObjectsV2, page by page."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        prefix = asked.get("prefix", "")
        if prefix.endswith("photos/"):
            found = "".join(
                f"<CommonPrefixes><Prefix>{prefix}{name}/</Prefix></CommonPrefixes>" for name in CLASSES
            )
            more = ""
        else:
            start = int(asked.get("continuation-token", "0"))
            end = min(start + int(asked["max-keys"]), self.keys)
            found = "".join(_ENTRY.format(prefix=prefix, number=number) for number in range(start, end))
            more = f"<NextContinuationToken>{end}</NextContinuationToken>" if end < self.keys else ""
        cut = str(bool(more)).lower()
        body = (
            '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>'
            f"<IsTruncated>{cut}</IsTruncated>{more}{found}</ListBucketResult>"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def listing_server(keys: int) -> Iterator[str]:
    """Serve `keys` made-up objects of two classes below s3://bucket/photos; give the server's address."""
    handler = type("Handler", (_Handler,), {"keys": keys // len(CLASSES)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
