"""A command whose memory runs out, and that goes on in a new process with batches in smaller parts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from jobs.again import COUNT, MOST_TIMES
from tests.conftest import REPOSITORY
from tests.jobs.cycles import cycles, request

# The first process has far too little memory, by a limit of the system; what comes in its place has enough.
COMMAND = f"""
import os, resource
from pathlib import Path
from cli import main
import jobs.training
again = "{COUNT}" in os.environ
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
limit = resource.RLIM_INFINITY if again else used + 700 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
print(os.getpid(), flush=True)
main()
"""
OPEN_FILES = f"""
import os, sys
from jobs.again import start_again
if "{COUNT}" in os.environ:
    print(sys.argv, os.path.exists(f"/dev/fd/{{sys.argv[1]}}"))
else:
    os.set_inheritable(int(sys.argv[1]), True)
    start_again("no memory")
"""


def test_it_is_the_same_process_and_the_same_cycle_with_half_a_batch_at_a_time(
    images: Path, tmp_path: Path
) -> None:
    asked = request(tmp_path, images)
    asked.home.create(images)
    words = f"--home {asked.home.folder} --json run-now --images {images} --set batch_size=24 --no-baseline"
    environment = {**os.environ, "WHISKER_ENGINE": "onnxruntime", "WHISKER_SETTLE_SECONDS": "0"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMAND, *words.split()],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after, document = done.stdout.split("\n", 2)
    assert before == after, "who watches the process goes on watching"
    (cycle,) = cycles(asked)
    assert (cycle.status, cycle.champion_id) == ("finished", 2)
    assert cycle.finetune is not None
    run = cycle.finetune.run
    assert json.loads(document)["finetune"]["id"] == run.id == 2
    assert run.settings["gradient_parts"] == 2
    assert "memory had run out, so images pass the network 12 at a time" in run.notes
    assert "at batches of 24 (MXNetError: Failed to allocate CPU Memory)" in done.stderr
    assert "it goes on with each batch in 2 parts; so this command starts again" in done.stderr


def test_a_file_that_a_library_left_open_is_closed(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        number = str(file.fileno())
        command = [sys.executable, "-c", OPEN_FILES, number]
        done = subprocess.run(command, pass_fds=[file.fileno()], capture_output=True, text=True, check=True)
    assert done.stdout == f"['-c', '{number}'] False\n"


def test_it_does_not_go_on_for_ever() -> None:
    environment = {**os.environ, COUNT: str(MOST_TIMES)}
    program = "from jobs.again import start_again; start_again('no memory'); print('left')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "left\n"
