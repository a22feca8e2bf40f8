"""A cable with a delay: two TAP devices, and this process between them.

    python -m benchmarks.cluster_link NAME NAME MILLISECONDS

It makes both devices, says so by a line, and passes frames on until it is ended. Not every kernel has netem.
"""

import fcntl
import os
import select
import struct
import sys
import time
from collections import deque
from contextlib import suppress

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
MOST_BYTES = 65_536  # of a frame


def main(one: str, other: str, milliseconds: float) -> None:
    """Pass frames on, each after the delay."""
    ends = [tap(one), tap(other)]
    print("ready", flush=True)
    on_the_way: deque[tuple[float, int, bytes]] = deque()  # when it is due, which end it leaves by, the frame
    while True:
        wait = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
        for end in select.select(ends, [], [], wait)[0]:
            frame = os.read(end, MOST_BYTES)
            on_the_way.append((time.monotonic() + milliseconds / 1000, ends[1 - ends.index(end)], frame))
        while on_the_way and on_the_way[0][0] <= time.monotonic():
            _, end, frame = on_the_way.popleft()
            with suppress(OSError):  # that end is not up yet, so the frame is lost
                os.write(end, frame)


def tap(name: str) -> int:
    """Make a TAP device; return the file by which its frames come and go."""
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return file


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
