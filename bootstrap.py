"""Runs a command in this project's environment, on a machine where only Python and pip are installed.

    python3 bootstrap.py spillway serve
    python3 bootstrap.py pytest

It fetches uv with pip into the folder `.uv` (which Debian's and Ubuntu's own pip allow, unlike an installation beside the
system's packages), then `uv run` makes the environment and runs the command. With uv on the path, `uv run` does the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".uv"
SUPPORTED = ((3, 11), (3, 14))


def find_uv() -> str:
    """The path of uv, fetched if need be. Ends the program with a plain word when pip is missing."""
    known = shutil.which("uv") or shutil.which("uv", path=str(TOOLS / "bin"))
    if known:
        return known
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(TOOLS), "uv"]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit("pip could not fetch uv. Install pip (on Debian and Ubuntu: apt install python3-pip) and try again.")
    found = shutil.which("uv", path=str(TOOLS / "bin"))
    return found or sys.exit(f"uv was not installed into {TOOLS}.")


def main() -> None:
    """Hands the rest of the command line to `uv run`."""
    arguments = sys.argv[1:]
    if not arguments:
        sys.exit(__doc__)
    here = sys.version_info[:2]
    # The Python that runs this is used when it is one that the project supports; else uv looks for one.
    python = ["--python", sys.executable] if SUPPORTED[0] <= here < SUPPORTED[1] else []
    os.chdir(ROOT)
    uv = find_uv()
    command = [uv, "run", *python, *arguments]
    if os.name == "nt":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(uv, command)  # noqa: S606


if __name__ == "__main__":
    main()
