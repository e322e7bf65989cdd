"""The site in a real browser: light, dark, and as wide as a phone."""

from __future__ import annotations

import pytest

from fakes import docs_site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGES = [
    "index.html",
    "tutorial.html",
    "comparison.html",
    "reference/cli.html",
    "reference/python.html",
]
PAGES += ["performance.html", "howto/own-models.html", "security.html"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return docs_site.build(tmp_path_factory)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (1280, "dark"), (390, "light")],
    ids=["light", "dark", "phone"],
)
def test_a_page_is_shown_whole_and_asks_the_network_for_nothing(browser, site, width, scheme, name):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.goto((site / name).as_uri())
    own = (site.as_uri(), "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    luminance = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        ".reduce((sum, part) => sum + part) / 3"
    )
    assert luminance > 200 if scheme == "light" else luminance < 60
    page.close()


def test_the_search_finds_a_page_without_a_server(browser, site):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((site / "search.html").as_uri() + "?q=lookahead")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert "performance.html" in page.content()
    page.close()
