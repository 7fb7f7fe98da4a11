"""axe-core, run inside the page: what a checker can know of accessibility."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

THEMES = ("light", "dark")
_GRAVE = {"serious", "critical"}
_COLOURS = ("color-contrast", "link-in-text-block")
_RUN = """async rules => {
  const found = await axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})});
  return found.violations.map(({id, impact, help, nodes}) =>
    ({id, impact, help, nodes: nodes.map(({target, failureSummary}) => `${target}: ${failureSummary}`)}));
}"""


@lru_cache(maxsize=1)
def axe() -> str:
    """The checker's single file, from the package that ships it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def in_theme(page: Page, theme: str) -> None:
    page.evaluate(
        "theme => { document.documentElement.dataset.theme = theme;"
        " document.dispatchEvent(new CustomEvent('faultline:theme')); }",
        theme,
    )


def violations(page: Page, rules: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Serious and critical violations of the page as it stands, of all rules unless some are named."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe())
    found: list[dict[str, Any]] = page.evaluate(_RUN, list(rules) or None)
    return [each for each in found if each["impact"] in _GRAVE]


def assert_accessible(page: Page, themes: tuple[str, ...] = THEMES) -> None:
    """No serious or critical violation; after the first theme only of what colour can break."""
    for number, theme in enumerate(themes):
        in_theme(page, theme)
        found = violations(page, () if number == 0 else _COLOURS)
        assert not found, f"{page.url}, {theme}: {found}"


def assert_no_sideways_scroll(page: Page, widths: tuple[int, ...] = (1280, 390)) -> None:
    """Nothing is wider than the window."""
    before = page.viewport_size
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert too_wide <= 0, f"{page.url} at {width} px: {too_wide} px too wide"
    if before:
        page.set_viewport_size(before)
