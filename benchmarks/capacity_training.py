"""What features and an epoch of all layers take on many hosts, for `capacity`."""

import os
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.installation import GB, MB, Assumed, Line, Published, line
from benchmarks.results import cell
from pipeline.backbones import backbone_named
from pipeline.decode import read_file, read_image, to_pixels

PHOTOS = 200  # that are read to measure it


@dataclass(frozen=True)
class Photo:
    """What was measured of photos here."""

    seconds: float  # of one processor, to read one for a network
    size: float  # bytes

    def seconds_for(self, size: float) -> float:
        """Return the seconds for an image of another size, in proportion."""
        return self.seconds * size / self.size


def features(a: Assumed, p: Published, results: str, photo: Photo) -> list[Line]:
    """Return what reading all images once takes."""
    here = float(cell(results, "frozen_pass", "efficientnet_lite0", 3))
    cores, read_seconds = a.hosts * a.cores, photo.seconds_for(a.image_bytes)
    on_cores = here / 2 * cores
    on_gpus = min(p.forward * a.hosts * a.gpus, cores / read_seconds)
    needed = on_cores * a.image_bytes
    rate = min(on_cores, a.storage / a.image_bytes)
    return [
        line("on processors, if they all scale", f"{here:.0f} / 2 x {cores}", on_cores, "images/s"),
        line(
            "on GPUs, or as fast as images are decoded",
            f"min({p.forward:,.0f} x {a.hosts * a.gpus}, {cores} / {read_seconds * 1000:.1f} ms)",
            on_gpus,
            "images/s",
        ),
        line("what that reads", f"{on_cores:,.0f} x {a.image_bytes / 1e3:.0f} kB", needed / GB, "GB/s"),
        line(
            "the file server gives",
            f"25 Gbit/s / {a.image_bytes / 1e3:.0f} kB",
            a.storage / a.image_bytes,
            "images/s",
        ),
        line("features of all images", f"{a.images:,.0f} / {rate:,.0f}", a.images / rate / 60, "minutes"),
        line(
            "of the new ones",
            f"{a.images * a.new_share:,.0f} / {rate:,.0f}",
            a.images * a.new_share / rate,
            "seconds",
        ),
        line(
            "the same on one host of 2 processors",
            f"{a.images:,.0f} / {here:.0f}",
            a.images / here / 3600,
            "hours",
        ),
    ]


def epoch(a: Assumed, p: Published, photo: Photo) -> list[Line]:
    """Return what a pass over all training images takes, and which resource is used up first."""
    gpus, train = a.hosts * a.gpus, a.images * (1 - a.test_share)
    rate = gpus * p.training
    step, read_seconds = a.batch / p.training, photo.seconds_for(a.image_bytes)
    decoded = a.hosts * a.cores / read_seconds
    each = 2 * a.model_bytes  # a worker sends its gradients and receives the sums
    one = a.hosts * each
    return [
        line("GPUs", f"{gpus} x {p.training:.0f}", rate, "images/s"),
        line("epoch", f"{train:,.0f} / {rate:,.0f}", train / rate / 60, "minutes"),
        line(
            f"{a.epochs} epochs",
            f"{a.epochs} x {train / rate / 60:.1f} minutes",
            a.epochs * train / rate / 3600,
            "hours",
        ),
        line(
            "read from the file server",
            f"{rate:,.0f} x {a.image_bytes / 1e3:.0f} kB",
            rate * a.image_bytes / GB,
            "GB/s",
        ),
        line(
            "of what it gives",
            f"{rate * a.image_bytes / GB:.2f} / {a.storage / GB:.2f} GB/s",
            100 * rate * a.image_bytes / a.storage,
            "%",
        ),
        line("processors decode", f"{a.hosts * a.cores} / {1000 * read_seconds:.1f} ms", decoded, "images/s"),
        line("a step computes", f"{a.batch} / {p.training:.0f}", 1000 * step, "ms"),
        line("a worker sends and receives in a step", f"2 x {a.model_bytes / MB:.1f} MB", each / MB, "MB"),
        line("one server receives and sends in a step", f"{a.hosts} x {each / MB:.1f} MB", one / MB, "MB"),
        line(
            "that takes, one after the other",
            f"{one / MB:.0f} MB / {a.network / GB:.2f} GB/s",
            1000 * one / a.network,
            "ms",
        ),
        line(
            "a server on each host, beside its worker",
            f"2 x {a.model_bytes / MB:.1f} MB / {a.network / GB:.2f} GB/s",
            1000 * each / a.network,
            "ms",
        ),
        line(
            "the GPUs compute, nothing being overlapped, one server",
            f"{1000 * step:.0f} / ({1000 * step:.0f} + {1000 * one / a.network:.0f}) ms",
            100 * step / (step + one / a.network),
            "%",
        ),
        line(
            "and with a server on each host",
            f"{1000 * step:.0f} / ({1000 * step:.0f} + {1000 * each / a.network:.0f}) ms",
            100 * step / (step + each / a.network),
            "%",
        ),
    ]


def photo_read(photos: Path) -> Photo:
    """Measure the reading of photos, each brought to the size of a network."""
    files = list(islice((photos / "train" / "cat").glob("*.jpg"), PHOTOS))
    preprocessing = backbone_named("resnet18_v2").preprocessing
    started = time.process_time()
    for file in files:
        to_pixels(read_image(read_file(os.fsencode(file))), preprocessing)
    seconds = (time.process_time() - started) / len(files)
    return Photo(seconds, sum(file.stat().st_size for file in files) / len(files))
