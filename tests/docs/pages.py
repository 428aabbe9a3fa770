"""The documentation as its readers find it: pages with headings, links, code blocks and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Page:
    """One Markdown file of the repository."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tokens(self) -> list[Token]:
        return _PARSER.parse(self.text)

    @property
    def links(self) -> list[str]:
        return [str(token.attrs["href"]) for token in self._inline() if token.type == "link_open"]

    @property
    def code_spans(self) -> list[str]:
        return [token.content for token in self._inline() if token.type == "code_inline"]

    @property
    def headings(self) -> list[str]:
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [_plain(inline) for opening, inline in pairs if opening.type == "heading_open"]

    @property
    def anchors(self) -> set[str]:
        """The anchors that GitHub gives to headings; no page of ours has two headings of one name."""
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in self.headings}

    def blocks(self, language: str) -> list[str]:
        """Return the code blocks of *language*."""
        return [token.content for token in self.tokens if token.type == "fence" and token.info == language]

    def documents(self) -> list[dict[str, Any]]:
        """Return the YAML documents of its code blocks."""
        return [document for block in self.blocks("yaml") for document in yaml.safe_load_all(block)]

    def first_cells(self) -> list[Token]:
        """Return the first cell of each table row below the head."""
        rows = _split(self.tokens, "tr_open")
        return [next(token for token in row if token.type == "inline") for row in rows if _is_body(row)]

    def _inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()


def all_pages() -> list[Page]:
    """Return every page of the repository's root and of docs/."""
    return [Page(path) for path in sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])]


def page(name: str) -> Page:
    """Return the page of that path below the repository's root."""
    return Page(ROOT / name)


def code_in(cell: Token) -> list[str]:
    """Return the code spans of a table's cell."""
    return [child.content for child in cell.children or () if child.type == "code_inline"]


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})


def _split(tokens: list[Token], opening: str) -> list[list[Token]]:
    parts: list[list[Token]] = []
    for token in tokens:
        if token.type == opening:
            parts.append([])
        if parts:
            parts[-1].append(token)
    return parts


def _is_body(row: list[Token]) -> bool:
    return any(token.type == "td_open" for token in row)
