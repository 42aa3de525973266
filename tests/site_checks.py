"""What is asked of every page of the report, in a real browser."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from chromium import Chromium

PHONE, DESKTOP = 360, 1440
VIEWS = ((PHONE, True, (390,)), (DESKTOP, False, (768,)))
"""Width and darkness of a whole check, and widths at which the page must fit, too. Colours do not
depend on the width, so that two whole checks show all there is."""
ALLOWED = ("file", "data")
LINKS = "[...document.querySelectorAll('[href], [src]')].map(e => e.href || e.src)"
IMAGES = """(async () => {
  const images = [...document.images];
  images.forEach(image => image.loading = 'eager');
  await Promise.all(images.map(image => image.decode().catch(() => null)));
  return images.map(image => [image.src, image.alt, image.naturalWidth]);
})()"""
LONGEST = 6
SHORTER = f"""document.querySelectorAll('tbody').forEach(
  body => [...body.rows].slice({LONGEST}).forEach(row => row.remove()))"""
"""The rows of a table are made by one rule: axe looks at the first ones, for it takes long."""
# Without `preload` axe does not fetch the style sheet a second time, which a page from disk may not
# do; only its rule on pages that demand a held device's orientation would want it.
AXE = """axe.run(document, {resultTypes: ['violations'], preload: false}).then(found =>
  found.violations.map(v => `${v.id}: ${v.help}: ` +
    v.nodes.map(n => n.target.join(' ')).slice(0, 5).join('; ')))"""


@cache
def axe() -> str:
    """Return the source of axe-core."""
    package = "axe_playwright_python"
    pytest.importorskip(package, reason=f"{package} (axe-core) is not installed")
    return (files(package) / "axe.min.js").read_text(encoding="utf-8")


def faults(browser: Chromium, page: Path) -> list[str]:
    """Return what is wrong with a page on a phone and a wide screen, light and dark."""
    found = []
    for width, dark, more in VIEWS:
        browser.show(width, dark)
        browser.open(page.as_uri())
        told = [*_images(browser), *_too_wide(browser), *_broken(browser)]
        told += [*_inaccessible(browser), *_from_elsewhere(browser), *browser.complaints]
        for other in more:
            browser.show(other, dark)
            told += [f"{fault} at {other} px" for fault in _too_wide(browser)]
        found += [f"{page.name} at {width} px, {'dark' if dark else 'light'}: {t}" for t in told]
    return found


def _images(browser: Chromium) -> list[str]:
    told = browser.run(IMAGES)
    return [
        f"image {src}: alt {alt!r}, width {width}"
        for src, alt, width in told
        if not alt.strip() or not width
    ]


def _too_wide(browser: Chromium) -> list[str]:
    over = browser.run("document.documentElement.scrollWidth - innerWidth")
    return [f"{over} px too wide"] if over > 0 else []


def _inaccessible(browser: Chromium) -> list[str]:
    browser.run(SHORTER)
    browser.run(axe())
    return [f"axe: {told}" for told in browser.run(AXE)]


def _from_elsewhere(browser: Chromium) -> list[str]:
    asked = [url for url in browser.requested if urlsplit(url).scheme not in ALLOWED]
    return [f"asks for {url}" for url in asked]


def _broken(browser: Chromium) -> list[str]:
    """Return the links of the page that lead to no file, or to no place in it."""
    return [f"broken link {url}" for url in sorted(set(browser.run(LINKS))) if not _leads(url)]


def _leads(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "data":
        return True
    file = Path(unquote(parts.path))
    if parts.scheme != "file" or not file.is_file():
        return False
    return not parts.fragment or unquote(parts.fragment) in _anchors(file)


@cache
def _anchors(file: Path) -> set[str]:

    return set(re.findall(r'\bid="([^"]+)"', file.read_text(encoding="utf-8")))
