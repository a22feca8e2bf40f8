"""Take the pictures of docs/REPORT.md: two cycles on drawn images, photographed by Chromium.

    python -m docs.make.pictures

Nothing but drawings is on them. Times and dates differ each time, so this is done only where a page has
changed.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from pipeline.drawings import draw_animal, draw_demo_images

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PICTURES = REPOSITORY / "docs" / "pictures"
SECTIONS = ("champion", "mistakes", "coverage", "curves", "suspects")  # of the second cycle's page, by id
WIDTH, HEIGHT = 1000, 900  # of the window, and the most of a picture
COLOURS = 128  # of a picture; what is drawn has few, and the files become small
SEED = 7
OF_BASELINE = 48  # images, since it takes the longest
MISLABELLED = 4  # dogs among the cats, which the page finds


def main() -> None:
    """Train, photograph, and put the pictures in their places."""
    with TemporaryDirectory() as folder:
        reports = two_cycles(Path(folder))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            photograph(page, reports)
            browser.close()


def two_cycles(folder: Path) -> Path:
    """Run a cycle on few images and one on many, with a few wrong labels; return the folder of pages."""
    images, home = folder / "photos", folder / "home"
    draw_demo_images(images, train_per_class=12, test_per_class=60, seed=SEED)
    run_cycle(home, images)
    draw_demo_images(images, train_per_class=80, test_per_class=60, seed=SEED)
    for number in range(MISLABELLED):
        wrong = draw_animal("dog", Random(f"wrong {number}"))
        wrong.save(images / "train" / "cat" / f"drawn-in-the-wrong-folder-{number}.jpg", quality=88)
    run_cycle(home, images)
    return home / "reports"


def run_cycle(home: Path, images: Path) -> None:
    """Run the program."""
    command = [sys.executable, str(REPOSITORY / "cli.py"), "--home", str(home), "run-now"]
    short = ("--set", f"baseline_images={OF_BASELINE}")
    subprocess.run([*command, "--images", str(images), *short], check=True)


def photograph(page: Page, reports: Path) -> None:
    """Take the pictures of the index, of the top of a page, and of some sections."""
    PICTURES.mkdir(exist_ok=True)
    page.goto((reports / "index.html").as_uri())
    keep(page.screenshot(), PICTURES / "index.png")
    page.goto((reports / "cycle-0002.html").as_uri())
    keep(page.screenshot(), REPOSITORY / "docs" / "demo-report.png")
    page.add_style_tag(content=".contents { display: none }")  # which would stay in view, over a long section
    for section in SECTIONS:
        card = page.locator(f"section[aria-labelledby={section}]")
        keep(card.screenshot(), PICTURES / f"{section}.png")


def keep(png: bytes, file: Path) -> None:
    """Save a picture small: few colours, and no higher than a window."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, HEIGHT)))
    image.quantize(COLOURS).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
