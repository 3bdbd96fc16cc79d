"""`python -m server.cli` is `spillway`."""

from server.cli.main import run

run()
