"""The demonstration: drawn cats and dogs, in a home of their own."""

import shutil
from pathlib import Path

from jobs.home import Home
from pipeline.drawings import draw_demo_images

DEFAULT_HOME = Path("whisker-home")
TRAIN_PER_CLASS, TEST_PER_CLASS, SEED = 80, 30, 7


def prepare_demo(home: Home) -> tuple[Home, Path]:
    """Draw the images unless they are there; return the demo's home and their folder.

    The default home is for real photos, so without --home the demo takes `whisker-demo` instead.
    """
    if home.folder == DEFAULT_HOME.absolute():
        home = Home(Path("whisker-demo").absolute())
    images = home.folder.with_name(f"{home.folder.name}-images")
    if not images.exists():
        beside = images.with_name(f"{images.name}.tmp")
        shutil.rmtree(beside, ignore_errors=True)  # half drawn by one that was stopped
        draw_demo_images(beside, train_per_class=TRAIN_PER_CLASS, test_per_class=TEST_PER_CLASS, seed=SEED)
        beside.rename(images)
    return home, images
