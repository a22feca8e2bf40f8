"""Adds the backbone `tiny` to each Python that is started with this folder in PYTHONPATH."""

import os
from pathlib import Path

from pipeline import backbones
from tests.tiny import WEIGHTS_VARIABLE, with_tiny

backbones.BACKBONES = with_tiny(Path(os.environ[WEIGHTS_VARIABLE]))
