"use strict";
// The image with boxes: it can be enlarged and moved, and a box under the pointer says what it is.
//
//   const stage = new TraceStage({picture: uri, width, height});
//   stage.draw([{box, kind, text, number, caption}, …])
//   stage.highlight(index)    a box of the last drawing; null for none
//
// Sizes of lines are in pixels of the screen, and of labels in parts of the image, whatever the enlargement.

const ZOOM = {most: 16, factor: 1.5};

class TraceStage {
  constructor({picture, width, height}) {
    this.size = [width, height];
    this.zoom = 1;
    this.boxes = svg("svg", {viewBox: `0 0 ${width || 1} ${height || 1}`, "aria-hidden": "true"});
    this.tip = el("p", {class: "vt-tip"});
    this.tip.hidden = true;
    this.inner = el("div", {class: "vt-inner"});
    this.image = null;
    if (picture && width) {
      this.image = el("img", {alt: "The image of the question", src: picture, draggable: "false"});
      this.inner.append(this.image, this.boxes, this.tip);
    } else if (width) {
      this.inner.append(el("div", {class: "vt-nopicture"}, "The trace holds no image."), this.boxes, this.tip);
      this.inner.style.aspectRatio = `${width} / ${height}`;
    }
    this.scroll = el("div", {class: "vt-stage"}, this.inner);
    const frame = (this.element = el("div", {class: "vt-frame"}, this.scroll));
    frame.style.maxWidth = `calc(56vh * ${width / height || 1})`; // as wide as the column, never higher than the screen
    if (width) this.scroll.style.aspectRatio = `${width} / ${height}`;
    if (!width) return;
    this.lessButton = button("−", {"aria-label": "Reduce", title: "Reduce (−)"}, () => this.zoomBy(1 / ZOOM.factor));
    const more = button("+", {"aria-label": "Enlarge", title: "Enlarge (+), or Ctrl and the wheel"}, () => this.zoomBy(ZOOM.factor));
    this.wholeButton = button("fit", {"aria-label": "Fit: the whole image", title: "The whole image (0)"}, () => this.zoomBy(0));
    frame.append(el("div", {class: "vt-zoom", role: "group", "aria-label": "Size of the image"}, this.lessButton, more, this.wholeButton));
    this.#listen();
    this.#zoomed();
  }

  draw(drawn) {
    // Smaller boxes lie above larger ones, so that the pointer reaches each.
    const area = ({box: [x1, y1, x2, y2]}) => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
    const order = drawn.map((_, index) => index).sort((a, b) => area(drawn[b]) - area(drawn[a]));
    this.drawn = drawn;
    this.rects = [];
    this.tip.hidden = true;
    const rects = order.map((index) => {
      const [x1, y1, x2, y2] = drawn[index].box;
      const rect = svg("rect", {x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: drawn[index].kind});
      rect.dataset.index = index;
      return (this.rects[index] = rect);
    });
    this.boxes.replaceChildren(...rects);
    this.labels = svg("g", {});
    this.boxes.append(this.labels);
    this.#label();
  }

  highlight(index) {
    for (const rect of this.boxes.querySelectorAll(".vt-hover")) rect.classList.remove("vt-hover");
    const one = index === null ? null : this.drawn?.[index];
    this.tip.hidden = !one?.text;
    if (!one) return;
    this.rects[index].classList.add("vt-hover");
    const [width, height] = this.size;
    const [x1, y1, x2] = one.box;
    const isRight = x1 + x2 > width;
    const percent = (part) => `${Math.max(0, Math.min(100, 100 * part))}%`;
    this.tip.textContent = visible(one.text ?? "");
    this.tip.style.left = isRight ? "auto" : percent(x1 / width);
    this.tip.style.right = isRight ? percent(1 - x2 / width) : "auto";
    this.tip.style.top = percent(Math.max(0, y1) / height);
  }

  // Enlarges the image about a point of what is seen (0 to 1 each); by 0 it fits again.
  zoomBy(factor, x = 0.5, y = 0.5) {
    if (!this.lessButton) return;
    const {scroll} = this;
    const before = this.zoom;
    this.zoom = factor ? Math.max(1, Math.min(ZOOM.most, before * factor)) : 1;
    const [left, top] = [scroll.clientWidth * x, scroll.clientHeight * y];
    const ratio = this.zoom / before;
    const [atX, atY] = [(scroll.scrollLeft + left) * ratio - left, (scroll.scrollTop + top) * ratio - top];
    this.#zoomed();
    scroll.scrollTo(atX, atY);
  }

  #zoomed() {
    const isWhole = this.zoom === 1;
    this.inner.style.width = `${100 * this.zoom}%`;
    this.scroll.classList.toggle("vt-large", !isWhole);
    if (isWhole) {
      for (const name of ["tabindex", "role", "aria-label"]) this.scroll.removeAttribute(name);
    } else {
      for (const [name, value] of Object.entries({tabindex: 0, role: "region", "aria-label": "The image, enlarged; arrow keys move it"})) this.scroll.setAttribute(name, value);
    }
    this.lessButton.disabled = this.wholeButton.disabled = isWhole;
    if (this.labels) this.#label();
  }

  // One object that was found by two names needs one caption only; numbers are all shown.
  #label() {
    const size = Math.max(...this.size) / 42 / this.zoom;
    const corners = [];
    const isFree = (x, y) => !corners.some(([left, top]) => Math.abs(left - x) < 3 * size && Math.abs(top - y) < size);
    this.labels.replaceChildren(...this.drawn.flatMap(({box: [x, y], kind, number, caption}) => {
      const free = isFree(x, y);
      const parts = [number, free ? caption : ""].filter(Boolean);
      if (!parts.length) return [];
      if (free) corners.push([x, y]);
      const text = svg("text", {x: x + size / 4, y: Math.max(y - size / 4, size), "font-size": size, class: kind});
      text.textContent = visible(parts.join(" "));
      return [text];
    }));
  }

  #listen() {
    const {scroll} = this;
    const point = (event) => {
      const box = scroll.getBoundingClientRect();
      return [(event.clientX - box.left) / (box.width || 1), (event.clientY - box.top) / (box.height || 1)];
    };
    scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page is scrolled
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? ZOOM.factor : 1 / ZOOM.factor, ...point(event));
    }, {passive: false});
    scroll.addEventListener("dblclick", (event) => this.zoomBy(this.zoom > 1 ? 0 : ZOOM.factor ** 2, ...point(event)));
    this.boxes.addEventListener("pointerover", (event) => this.highlight(event.target.dataset?.index === undefined ? null : Number(event.target.dataset.index)));
    this.boxes.addEventListener("pointerleave", () => this.highlight(null));
    let held = null;
    scroll.addEventListener("pointerdown", (event) => {
      if (this.zoom > 1 && event.pointerType === "mouse" && event.button === 0) held = [event.clientX, event.clientY];
    });
    scroll.addEventListener("pointermove", (event) => {
      if (!held || !event.buttons) return (held = null);
      scroll.scrollBy(held[0] - event.clientX, held[1] - event.clientY);
      held = [event.clientX, event.clientY];
    });
  }

  // What a box shows, as a small picture; "" where there is none.
  crop([x1, y1, x2, y2]) {
    if (!this.image || !(x2 > x1 && y2 > y1)) return "";
    const longest = 120;
    const scale = longest / Math.max(x2 - x1, y2 - y1);
    const canvas = el("canvas", {width: Math.max(1, (x2 - x1) * scale), height: Math.max(1, (y2 - y1) * scale), role: "img", "aria-label": "What the call looked at"});
    const draw = () => {
      const zoom = this.image.naturalWidth / this.size[0]; // the page's image may be scaled down
      canvas.getContext("2d").drawImage(this.image, x1 * zoom, y1 * zoom, (x2 - x1) * zoom, (y2 - y1) * zoom, 0, 0, canvas.width, canvas.height);
    };
    if (this.image.complete) draw();
    else this.image.addEventListener("load", draw, {once: true});
    return canvas;
  }
}
