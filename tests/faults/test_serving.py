"""Many clients at once ask the web app, while a cycle works in the same home."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.faults.subject import Subject
from tests.jobs.serving.server import Served, serving

CLIENTS = 50


def asked_at_once(served: Served, images: list[bytes]) -> list[tuple[int, Any]]:
    """Let each client ask about one image, all at the same moment; return which one, and the answer."""
    together = threading.Barrier(CLIENTS)

    def client(number: int) -> tuple[int, Any]:
        together.wait()
        return number % len(images), answer(served, images[number % len(images)])

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(client, range(CLIENTS)))


def answer(served: Served, image: bytes) -> Any:
    reply = served.predict(image)
    assert reply.status == 200, reply.body
    return reply.document


def test_fifty_clients_are_answered_rightly_while_a_cycle_runs(settled: Subject) -> None:
    images = [path.read_bytes() for path in sorted((settled.images / "test").rglob("*.jpg"))]
    with serving(settled.home, environment=settled.environment()) as served:
        alone = {1: [answer(served, image) for image in images]}
        cycle = settled.start("--json", "run-now", "--set", "epochs=1")
        every = asked_at_once(served, images)
        while cycle.poll() is None:
            every += asked_at_once(served, images)
            time.sleep(2)  # the cycle needs the processors, too
        _, err = cycle.communicate()
        assert cycle.returncode == 0, err
        alone[answer(served, images[0])["run"]] = [answer(served, image) for image in images]
    assert {document["run"] for _, document in every} <= alone.keys()
    assert all(document == alone[document["run"]][image] for image, document in every)
