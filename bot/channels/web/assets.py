"""Scripts and stylesheets of a page: small, kept in memory, compressed once, named by their content so that browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.errors import NotFound

_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """One file as it is served."""

    content: bytes
    media_type: str

    @property
    def tag(self) -> str:
        """What changes when the content does."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def response(self, request: Request, *, max_age: int, headers: Mapping[str, str] | None = None) -> Response:
        """The file, compressed where the browser takes it, or 304 when the browser has it."""
        kept = {"Cache-Control": f"public, max-age={max_age}", "ETag": f'"{self.tag}"', "Vary": "Accept-Encoding"}
        kept |= {"X-Content-Type-Options": "nosniff", **(headers or {})}
        if f'"{self.tag}"' in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=kept)
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = gzip.compress(self.content, mtime=0)
            return Response(content, media_type=self.media_type, headers={**kept, "Content-Encoding": "gzip"})
        return Response(self.content, media_type=self.media_type, headers=kept)


class Assets:
    """The files of one folder."""

    def __init__(self, folder: Path, *, base: str) -> None:
        self._base = base
        self._files = {
            path.name: Asset(path.read_bytes(), _TYPES[path.suffix]) for path in sorted(folder.iterdir()) if path.suffix in _TYPES
        }

    def get(self, name: str) -> Asset:
        """One file by its name. Raises `NotFound`."""
        if name not in self._files:
            raise NotFound("There is no such file.")
        return self._files[name]

    def address(self, name: str) -> str:
        """Where a page finds a file; a changed file has another address."""
        return f"{self._base}/{name}?v={self.get(name).tag}"
