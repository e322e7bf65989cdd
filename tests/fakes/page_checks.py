"""What every page must keep to, as JavaScript for a browser: contrast of texts, and names of controls."""

from __future__ import annotations

LEAST_CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  const light = (color) => color.slice(0, 3).map((part) => linear(part / 255))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parts(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const kinds = "p, h1, h2, li, summary, code, pre, dt, dd, th, td, button, output, label, span";
  const hidden = ".vt-stage, [hidden], [aria-hidden=true]";
  const texts = [...document.querySelectorAll(`body :is(${kinds})`)].filter((element) =>
    element.textContent.trim() && !element.closest(hidden) && element.checkVisibility() && !element.disabled);
  return texts.map((element) => {
    const both = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    const [lower, upper] = both.sort((one, other) => one - other);
    return [(upper + 0.05) / (lower + 0.05), element.outerHTML.slice(0, 80)];
  }).sort((one, other) => one[0] - other[0])[0];
}"""
"""Returns the least contrast of a text on the page, and the beginning of its element."""

NAMELESS = """() => {
  const controls = [...document.querySelectorAll("button, input, textarea, select, summary")];
  const text = (one) => one.textContent.trim() || one.getAttribute("aria-label") || one.title;
  const name = (one) => text(one) || one.labels?.length;
  return controls.filter((one) => one.checkVisibility() && !name(one)).map((one) => one.outerHTML);
}"""
"""Returns the controls that have no name."""
