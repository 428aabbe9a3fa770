from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT, Page, all_pages

HERE = re.compile(r"^(\.ci|charts|crds|docs|examples|operator|requirements|sandbox|tests)/[\w./-]+$")
TARGET = re.compile(r"\bmake ([a-z0-9-]+)")


@pytest.mark.parametrize("page", all_pages(), ids=str)
def test_every_relative_link_leads_somewhere(page: Page) -> None:
    assert [link for link in page.links if not _resolves(page, link)] == []


@pytest.mark.parametrize("page", all_pages(), ids=str)
def test_no_page_has_two_headings_of_one_name(page: Page) -> None:
    assert len(page.anchors) == len(page.headings)


@pytest.mark.parametrize("page", all_pages(), ids=str)
def test_every_path_that_a_page_names_exists(page: Page) -> None:
    assert [span for span in page.code_spans if HERE.match(span) and not (ROOT / span).exists()] == []


@pytest.mark.parametrize("page", all_pages(), ids=str)
def test_every_make_target_that_a_page_names_exists(page: Page) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    code = "\n".join([*page.code_spans, *page.blocks("sh")])
    assert set(TARGET.findall(code)) - targets == set()


def _resolves(page: Page, link: str) -> bool:
    if link.startswith("https://"):
        return True
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    return target.exists() and (not anchor or anchor in Page(target).anchors)
