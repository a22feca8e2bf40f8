"""Put the tables of `python -m benchmarks capacity` into docs/SCALE.md, as RESULTS.md has them.

python -m docs.make.scale
"""

import re
from pathlib import Path

from benchmarks.results import RESULTS, section

DOCUMENT = Path(__file__).parent.parent / "SCALE.md"
_TABLE = r"(?:\|.*\n)+"


def with_tables(document: str, results: str) -> str:
    """Return the document with each table below a line `**TITLE**` as the results have it."""
    measured = dict(re.findall(rf"^\*\*(.+)\*\*\n\n({_TABLE})", section(results, "capacity"), re.MULTILINE))

    def replaced(found: re.Match[str]) -> str:
        return f"**{found[1]}**\n\n{measured[found[1]]}"

    return re.sub(rf"^\*\*(.+)\*\*\n\n{_TABLE}", replaced, document, flags=re.MULTILINE)


if __name__ == "__main__":
    results = RESULTS.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text(encoding="utf-8"), results), encoding="utf-8")
