"""Renews the exact versions in pyproject.toml (`constraint-dependencies`) from a fresh resolution.

    uv run python scripts/lock.py

The lock stands there and not in uv.lock because that file records registry addresses. Run it after changing a dependency, or with
`--upgrade` to take newer releases; then run the tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
BLOCK = re.compile(r"^constraint-dependencies = \[.*?\]$", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Empties the constraints when upgrading, resolves, and writes what was resolved."""
    before = PROJECT.read_text("utf-8")
    if "--upgrade" in sys.argv:
        PROJECT.write_text(BLOCK.sub("constraint-dependencies = []", before), "utf-8")
        (ROOT / "uv.lock").unlink(missing_ok=True)
    try:
        exported = subprocess.run(
            ["uv", "export", "--all-groups", "--no-hashes", "--no-emit-project", "--no-annotate", "--no-header", "--quiet"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except subprocess.CalledProcessError as error:
        PROJECT.write_text(before, "utf-8")
        sys.exit(f"uv could not resolve the dependencies; pyproject.toml is as it was.\n{error.stderr}")
    pins = sorted(line.strip().replace('"', "'") for line in exported.splitlines() if line.strip())
    block = "constraint-dependencies = [\n" + "".join(f'    "{pin}",\n' for pin in pins) + "]"
    PROJECT.write_text(BLOCK.sub(lambda _match: block, PROJECT.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{len(pins)} versions written to pyproject.toml\n")


if __name__ == "__main__":
    main()
