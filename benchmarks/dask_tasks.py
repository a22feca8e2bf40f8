"""Dask's scheduler with two workers: empty tasks, and a worker that is halted. Run by a Python that has it.

DASK_PYTHON -m dask_tasks TASKS
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed

PATIENCE = 60  # seconds
ADDRESS = "tcp://127.0.0.1:18786"


def main(tasks: int) -> None:
    dask = str(Path(sys.executable).with_name("dask"))
    scheduler = [
        dask,
        "scheduler",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
        "--port",
        ADDRESS.rpartition(":")[2],
    ]
    worker = [dask, "worker", ADDRESS, "--no-dashboard", "--no-nanny", "--nthreads", "1"]
    processes = [_start(command) for command in (scheduler, worker, worker)]
    try:
        with distributed.Client(ADDRESS) as client:
            client.wait_for_workers(2)
            _print(client, processes[1], tasks)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _start(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _print(client: "distributed.Client", worker: "subprocess.Popen[bytes]", tasks: int) -> None:
    started = time.perf_counter()
    client.gather(client.map(_nothing, range(tasks), pure=False))
    each = 1000 * (time.perf_counter() - started) / tasks
    slow = client.map(time.sleep, [1] * 8, pure=False)
    time.sleep(1.5)
    worker.send_signal(signal.SIGSTOP)
    try:
        distributed.wait(slow, timeout=PATIENCE)
        end = "were done by the other one"
    except distributed.TimeoutError:
        end = f"were not given to the other one within {PATIENCE} seconds"
    worker.send_signal(signal.SIGCONT)
    print(
        f"Dask {distributed.__version__}, a scheduler and 2 workers: {each:.1f} ms for each of {tasks} empty"
        f" tasks;\nthe tasks of a worker that was halted (SIGSTOP) {end}."
    )


def _nothing(_: int) -> None:
    """Do nothing."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
