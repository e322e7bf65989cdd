"use strict";
// Shows a trace (see ../schema.json): the image with boxes, the program, its calls step by step.
//
//   const view = new ViperTrace(element, {picture: uri, width, height});   picture: the first image
//   view.show(trace)    a whole trace; may be called again
//   view.step(step)     one step of a run that goes on (see ../steps.py)
//   view.clear()
//
// Texts of models, programs and files are put in as text nodes, never as markup. Nothing here needs the
// network, inline scripts or inline styles, so that it works under the strictest content policy.
//
// A trace may come from anybody: what is drawn of it is bounded, and what is left out is counted ("… 3 more").

const MOST = {programs: 100, calls: 2000, lines: 5000, colored: 2000, boxes: 1000, notes: 50, items: 50, values: 2000};
const LONGEST = {line: 2000, colored: 500, text: 5000, block: 50000};

class ViperTrace {
  constructor(root, {picture = null, width = 0, height = 0} = {}) {
    this.root = root;
    this.picture = picture;
    this.size = [width, height];
    this.root.classList.add("vt");
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.clear();
  }

  clear() {
    this.#stop();
    this.trace = null;
    this.attempt = 0;
    this.at = 0;
    this.root.replaceChildren();
  }

  show(trace) {
    this.#stop();
    // What is left out is never the program that answered.
    const last = MOST.programs - 1;
    const numbers = trace.turns.slice(0, MOST.programs).map((_, index) => index);
    if (trace.chosen > last) numbers[last] = trace.chosen;
    const turns = numbers.map((index) => ({...bounded(trace.turns[index]), number: index + 1}));
    const chosen = trace.chosen > last ? last : trace.chosen;
    this.trace = {...trace, turns, chosen, morePrograms: trace.turns.length - MOST.programs};
    const [image] = trace.images;
    if (image.width) this.size = [image.width, image.height];
    this.attempt = chosen ?? 0;
    this.at = this.#steps().length - 1;
    this.#draw();
  }

  step(step) {
    this.trace ??= {question: "", turns: [], answer: null, patches: [], failure: null, live: true};
    const turns = this.trace.turns;
    while (turns.length <= step.attempt) {
      turns.push({source: "", generator: "", calls: [], failure: null, printed: "", live: true});
    }
    if (step.step === "program") {
      Object.assign(turns[step.attempt], {source: step.source, generator: step.generator});
    } else if (step.step === "call") {
      const {calls} = turns[step.attempt];
      if (calls.length < MOST.calls) calls.push(step.call);
    } else if (step.step === "attempt") {
      turns[step.attempt] = bounded(step.record);
    }
    this.attempt = step.attempt;
    this.at = this.#steps().length - 1;
    this.#draw();
  }

  // What can be stepped to: the beginning, each call, the end.
  #steps() {
    const attempt = this.trace.turns[this.attempt];
    if (!attempt) return [{kind: "end"}];
    const calls = attempt.calls.map((call, index) => ({kind: "call", call, index}));
    return [{kind: "begin"}, ...calls, ...(attempt.live ? [] : [{kind: "end"}])];
  }

  go(index) {
    const last = this.#steps().length - 1;
    this.at = Math.max(0, Math.min(last, index));
    this.#update();
  }

  #key(event) {
    if (event.target.closest("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = {ArrowRight: this.at + 1, ArrowLeft: this.at - 1, Home: 0, End: Infinity};
    if (event.key in moves) {
      this.#stop();
      this.go(moves[event.key]);
    } else if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") {
      this.#play();
    } else {
      return;
    }
    event.preventDefault();
  }

  #play() {
    if (this.playing) return this.#stop();
    if (this.at >= this.#steps().length - 1) this.go(0);
    this.playing = setInterval(() => {
      this.go(this.at + 1);
      if (this.at >= this.#steps().length - 1) this.#stop();
    }, 900);
    this.playButton?.replaceChildren("❚❚");
  }

  #stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.playButton?.replaceChildren("▶");
  }

  // Everything that does not change from step to step.
  #draw() {
    const attempt = this.trace.turns[this.attempt];
    this.lines = [];
    this.bars = [];
    this.root.replaceChildren(
      this.#head(),
      ...(this.trace.turns.length > 1 ? [this.#tabs()] : []),
      el("div", {class: "vt-columns"},
        el("div", {class: "vt-see"}, this.#stage(), this.#controls(), (this.detail = el("div", {class: "vt-detail", "aria-live": "polite"}))),
        el("div", {class: "vt-read"}, this.#program(attempt), this.#timeline(attempt), this.#notes(attempt))),
    );
    this.#update();
  }

  #head() {
    const {trace} = this;
    const facts = [];
    if (trace.generator) facts.push(`program by ${trace.generator}`);
    if (trace.total_ms !== undefined) facts.push(ms(trace.total_ms));
    const calls = trace.turns.flatMap((attempt) => attempt.calls);
    const left = trace.turns.reduce((sum, attempt) => sum + (attempt.moreCalls ?? 0), 0);
    facts.push(left ? `${calls.length} calls and … ${left} more` : count(calls.length, "call"));
    if (trace.morePrograms > 0) facts.push(`… ${trace.morePrograms} more programs`);
    const forwards = Object.values(trace.forwards ?? {}).reduce((sum, n) => sum + n, 0);
    if (trace.forwards) facts.push(count(forwards, "forward"));
    const cached = calls.filter((call) => call.cached).length;
    if (cached) facts.push(`${cached} cached`);
    const outcome = trace.failure
      ? el("p", {class: "vt-answer vt-bad"}, `No answer (${trace.failure.kind})`,
          el("span", {class: "vt-message"}, short(trace.failure.message, LONGEST.text)))
      : el("p", {class: "vt-answer"}, trace.answer !== null ? short(trace.answer, LONGEST.text) : (trace.live ? "…" : "no answer"));
    return el("header", {class: "vt-head"},
      trace.question ? el("h1", {}, short(trace.question, LONGEST.text)) : "", outcome,
      el("p", {class: "vt-facts"}, short(facts.join(" · "), LONGEST.text)));
  }

  #tabs() {
    return el("nav", {class: "vt-tabs", "aria-label": "Programs"}, ...this.trace.turns.map((attempt, index) => {
      const verdict = attempt.live ? "…" : attempt.failure ? `✗ ${attempt.failure.kind}` : "✓";
      const mark = index === this.trace.chosen ? " (the answer)" : "";
      const button = el("button", {type: "button", "aria-pressed": index === this.attempt}, `Program ${attempt.number ?? index + 1} ${verdict}${mark}`);
      button.addEventListener("click", () => {
        this.#stop();
        this.attempt = index;
        this.at = this.#steps().length - 1;
        this.#draw();
      });
      return button;
    }));
  }

  #stage() {
    const [width, height] = this.size;
    this.boxes = svg("svg", {viewBox: `0 0 ${width || 1} ${height || 1}`, "aria-hidden": "true"});
    const stage = el("div", {class: "vt-stage"});
    stage.style.maxWidth = `calc(56vh * ${width / height || 1})`; // as wide as the column, never higher than the screen
    if (this.picture && width) {
      this.image ??= el("img", {alt: "The image of the question", src: this.picture});
      if (this.image.getAttribute("src") !== this.picture) this.image.src = this.picture;
      stage.append(this.image, this.boxes);
    } else if (width) {
      stage.append(el("div", {class: "vt-nopicture"}, "The trace holds no image."), this.boxes);
      stage.style.aspectRatio = `${width} / ${height}`;
    }
    return stage;
  }

  #controls() {
    const button = (text, label, act) => {
      const made = el("button", {type: "button", "aria-label": label, title: label}, text);
      made.addEventListener("click", act);
      return made;
    };
    const move = (index) => () => {
      this.#stop();
      this.go(index());
    };
    this.playButton = button("▶", "Play (space)", () => this.#play());
    this.slider = el("input", {type: "range", min: 0, max: this.#steps().length - 1, "aria-label": "Step"});
    this.slider.addEventListener("input", move(() => Number(this.slider.value)));
    this.where = el("output", {});
    return el("div", {class: "vt-controls"},
      button("«", "First step (Home)", move(() => 0)), button("‹", "Step back (←)", move(() => this.at - 1)), this.playButton,
      button("›", "Step on (→)", move(() => this.at + 1)), button("»", "Last step (End)", move(() => Infinity)),
      this.slider, this.where);
  }

  #program(attempt) {
    if (!attempt?.source) return el("p", {class: "vt-soft"}, "No program was written.");
    const calls = new Map();
    attempt.calls.forEach((call, index) => {
      if (!calls.has(call.line)) calls.set(call.line, []);
      calls.get(call.line).push(index);
    });
    const failures = new Map();
    for (const finding of attempt.findings ?? []) failures.set(finding.line, finding.message);
    if (attempt.failure?.line) failures.set(attempt.failure.line, attempt.failure.message);
    const lines = attempt.source.replace(/\n$/, "").split("\n");
    const rows = lines.slice(0, MOST.lines).map((text, index) => {
      const number = index + 1;
      const mine = calls.get(number) ?? [];
      const row = el("div", {class: "vt-line" + (mine.length ? " vt-called" : "") + (failures.has(number) ? " vt-failed" : "")},
        el("span", {class: "vt-number"}, number), el("code", {}, ...(index < MOST.colored ? colored(text) : [short(text, LONGEST.line)])),
        mine.length ? el("span", {class: "vt-count", title: count(mine.length, "call")}, `×${mine.length}`) : "");
      if (mine.length) {
        row.addEventListener("click", () => {
          this.#stop(); // the next call of this line, from where we are
          this.go(1 + (mine.find((call) => call + 1 > this.at) ?? mine[0]));
        });
      }
      this.lines.push(row);
      return failures.has(number) ? [row, el("div", {class: "vt-fault"}, short(failures.get(number), LONGEST.text))] : [row];
    });
    if (lines.length > rows.length) rows.push(el("p", {class: "vt-soft"}, `… ${lines.length - rows.length} more lines`));
    return el("section", {class: "vt-program", tabindex: 0, "aria-label": "Program"}, ...rows.flat());
  }

  #timeline(attempt) {
    if (!attempt?.calls.length) return "";
    const begin = Math.min(attempt.started_ms ?? Infinity, attempt.calls[0].started_ms);
    const last = attempt.calls[attempt.calls.length - 1];
    const length = Math.max(last.started_ms + last.ms, begin + (attempt.run_ms ?? 0)) - begin || 1;
    const track = el("div", {class: "vt-track"});
    this.bars = attempt.calls.map((call, index) => {
      const kind = call.error ? "vt-bad" : call.cached || !call.forwards ? "vt-cached" : "vt-model";
      const bar = el("button", {type: "button", class: `vt-bar ${kind}`, tabindex: -1, title: `${name(call)}, line ${call.line}: ${ms(call.ms)}`});
      bar.style.left = `${(100 * (call.started_ms - begin)) / length}%`;
      bar.style.width = `${(100 * call.ms) / length}%`;
      bar.addEventListener("click", () => {
        this.#stop();
        this.go(index + 1);
      });
      track.append(bar);
      return bar;
    });
    return el("section", {class: "vt-timeline"}, el("h2", {}, "Time"), track,
      el("p", {class: "vt-soft"}, el("span", {class: "vt-key vt-model"}), "waited for a model ",
        el("span", {class: "vt-key vt-cached"}), "cached, or prefetched ", el("span", {class: "vt-scale"}, ms(length))));
  }

  #notes(attempt) {
    const {trace} = this;
    const rows = [];
    const add = (title, texts) => {
      if (!texts?.length) return;
      const listed = texts.slice(0, MOST.notes).map((text) => short(text, LONGEST.text));
      if (texts.length > listed.length) listed.push(`… ${texts.length - listed.length} more`);
      rows.push(el("dt", {}, title), ...listed.map((text) => el("dd", {}, text)));
    };
    add("Not verified", attempt?.unverified ?? trace.unverified);
    add("Notes", attempt?.notes);
    if (attempt?.printed) rows.push(el("dt", {}, "Printed"), el("dd", {}, el("pre", {}, short(attempt.printed, LONGEST.block))));
    if (trace.votes) add("Votes", [...Object.entries(trace.votes.answers).map(([text, n]) => `${text}: ${n} of ${trace.votes.n}`), ...(trace.votes.failed ? [`no answer: ${trace.votes.failed}`] : [])]);
    add("Models", Object.entries(trace.models ?? {}).map(([role, model]) => `${role}: ${model}`));
    return rows.length ? el("section", {class: "vt-notes"}, el("dl", {}, ...rows)) : "";
  }

  // What belongs to the step that is looked at.
  #update() {
    const steps = this.#steps();
    const step = steps[this.at] ?? steps[steps.length - 1];
    const attempt = this.trace.turns[this.attempt];
    const line = step.kind === "call" ? step.call.line : step.kind === "end" ? attempt?.failure?.line : null;
    this.lines.forEach((row, index) => row.classList.toggle("vt-now", index + 1 === line));
    const row = this.lines[line - 1];
    if (row) {
      // Only the program's own box is scrolled, never the page.
      const box = row.parentElement;
      if (row.offsetTop < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = row.offsetTop - box.clientHeight / 3;
    }
    this.bars.forEach((bar, index) => bar.classList.toggle("vt-now", step.kind === "call" && step.index === index));
    this.slider.value = this.at;
    this.where.value = step.kind === "call" ? `call ${step.index + 1} of ${attempt.calls.length}` : step.kind;
    this.boxes.replaceChildren(...this.#boxesOf(step, attempt));
    this.detail.replaceChildren(...this.#details(step, attempt));
  }

  // Boxes of a step: what was found before, faintly; what was asked; what came of it.
  #boxesOf(step, attempt) {
    const parts = [];
    const calls = attempt?.calls ?? [];
    const until = step.kind === "call" ? step.index : step.kind === "end" ? calls.length : 0;
    const before = patches(calls.slice(0, until).map((call) => call.result));
    parts.push(...before.map((patch) => this.#box(patch.box_xyxy, "vt-before")));
    if (step.kind === "call") {
      const {call} = step;
      const verdict = call.error ? "vt-no" : call.result === true ? "vt-yes" : call.result === false ? "vt-no" : "vt-receiver";
      if (call.box_xyxy) parts.push(this.#box(call.box_xyxy, verdict));
      parts.push(...patches(call.arguments).map((patch) => this.#box(patch.box_xyxy, "vt-receiver")));
      parts.push(...this.#found(patches(call.result)));
    } else if (step.kind === "end" && !attempt?.failure) {
      const mine = patches(this.attempt === (this.trace.chosen ?? 0) ? this.trace.patches : attempt?.returned);
      parts.push(...this.#found(mine));
    }
    return parts;
  }

  #found(found) {
    const size = Math.max(...this.size) / 42;
    const corners = [];
    const free = (patch) => {
      const [x, y] = patch.box_xyxy; // one object that was found by two names needs one label only
      const isFree = !corners.some(([left, top]) => Math.abs(left - x) < 3 * size && Math.abs(top - y) < size);
      if (isFree) corners.push([x, y]);
      return isFree;
    };
    return [...found.map((patch) => this.#box(patch.box_xyxy, "vt-found")), ...found.filter(free).map((patch) => this.#label(patch, size))];
  }

  #box([x1, y1, x2, y2], kind) {
    return svg("rect", {x: x1, y: y1, width: Math.max(0, x2 - x1), height: Math.max(0, y2 - y1), class: kind});
  }

  #label(patch, size) {
    const [x1, y1] = patch.box_xyxy;
    const caption = patch.category === "image" ? "" : `${short(patch.category, 24)} ${patch.score.toFixed(2)}`;
    const text = svg("text", {x: x1 + size / 4, y: Math.max(y1 - size / 4, size), "font-size": size});
    text.textContent = visible(caption);
    return text;
  }

  #details(step, attempt) {
    if (!attempt) return [];
    if (step.kind === "begin") {
      return [el("p", {class: "vt-soft"}, attempt.calls.length ? "The program has asked nothing yet. Step on with → or a click on a line." : "The program is about to run.")];
    }
    if (step.kind === "end") {
      return attempt.failure
        ? [el("h2", {class: "vt-bad"}, `Failed (${attempt.failure.kind})`), el("p", {}, short(attempt.failure.message, LONGEST.text))]
        : [el("h2", {}, "Returned"), el("pre", {}, written(attempt.returned))];
    }
    const {call} = step;
    const boxes = call.box_xyxy ? [call.box_xyxy] : patches(call.result).map((patch) => patch.box_xyxy);
    const facts = [["line", call.line]];
    if (call.score !== null) facts.push(["score", call.score]);
    facts.push(["model", short(call.model || `no backend serves ${call.role}`, LONGEST.text)]);
    facts.push(["time", `${ms(call.ms)}${call.model_ms ? `, of it ${ms(call.model_ms)} in the model` : ""}${call.queue_ms >= 1 ? `, ${ms(call.queue_ms)} in the queue` : ""}`]);
    facts.push(["forwards", call.cached ? "none: cached" : call.forwards ? `${call.forwards}, batch of ${call.batch_size}` : "none"]);
    if (call.prefetched) facts.push(["prefetch", count(call.prefetched, "request")]);
    if (call.box_xyxy) facts.push(["box", call.box_xyxy.map((edge) => Math.round(edge * 10) / 10).join(", ")]);
    const result = call.error
      ? el("p", {class: "vt-result vt-bad"}, `${call.error.kind}: ${short(call.error.message, LONGEST.text)}`)
      : el("pre", {class: "vt-result"}, written(call.result));
    return [
      el("h2", {}, el("code", {}, short(`${name(call)}(${call.arguments.slice(0, MOST.items).map((argument) => written(argument, true)).join(", ")}${call.arguments.length > MOST.items ? ", …" : ""})`, LONGEST.text))),
      el("div", {class: "vt-look"}, ...boxes.slice(0, 4).map((box) => this.#crop(box)), result),
      el("dl", {class: "vt-figures"}, ...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
      ...call.notes.slice(0, MOST.notes).map((note) => el("p", {class: "vt-soft"}, short(note, LONGEST.text))),
    ];
  }

  #crop([x1, y1, x2, y2]) {
    if (!this.picture || !this.image || !(x2 > x1 && y2 > y1)) return "";
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

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

// Characters without a shape as escapes: a text can hide whole sentences in them.
function visible(text) {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu, (found) => `\\u{${found.codePointAt(0).toString(16)}}`);
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// A turn with as many calls as are drawn.
function bounded(turn) {
  return {...turn, calls: turn.calls.slice(0, MOST.calls), moreCalls: Math.max(0, turn.calls.length - MOST.calls)};
}

// The first patches in a value. A dict of a program is a list of its items, so that it cannot pass for a patch.
function patches(value, found = []) {
  if (found.length >= MOST.boxes) return found;
  if (Array.isArray(value)) {
    for (const item of value) patches(item, found);
  } else if (value?.type === "patch") {
    found.push(value);
  } else if (value?.type === "dict") {
    for (const [, item] of value.items) patches(item, found);
  }
  return found;
}

function name(call) {
  return short(call.method.replace("ImagePatch.", ""), 100);
}

function ms(value) {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ms`;
}

function count(n, what) {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function short(text, longest) {
  if (text.length <= longest) return text;
  const end = longest < 200 ? "…" : `… ${text.length - longest} more characters`;
  return text.slice(0, longest - 1) + end;
}

// A value as a program would see it; patches by what they are.
function written(value, brief = false) {
  return short(writtenPart(value, brief, {left: MOST.values}), brief ? 500 : LONGEST.block);
}

function writtenPart(value, brief, budget) {
  const inner = (item) => writtenPart(item, brief, budget);
  if (budget.left-- <= 0) return "…";
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "number") return String(Math.round(value * 1e4) / 1e4);
  if (typeof value === "string") return JSON.stringify(short(value, brief ? 60 : LONGEST.block));
  if (Array.isArray(value)) {
    const items = value.slice(0, brief ? 4 : MOST.items).map(inner);
    if (value.length > items.length) items.push(`… ${value.length - items.length} more`);
    return brief || !value.some((item) => item?.type === "patch") ? `[${items.join(", ")}]` : count(value.length, "patch").replace("patchs", "patches") + (items.length ? "\n" + items.join("\n") : "");
  }
  if (value.type === "patch") {
    const place = value.box_xyxy.map((edge) => Math.round(edge)).join(", ");
    return `${short(value.category, 100)} at (${place})${value.category === "image" ? "" : `, score ${value.score.toFixed(2)}`}`;
  }
  const pairs = value.type === "object" ? Object.entries(value.attributes) : value.items;
  const items = pairs.slice(0, MOST.items);
  const more = pairs.length > items.length ? [`… ${pairs.length - items.length} more`] : [];
  if (value.type === "object") {
    return `${short(value.class, 100)}(${[...items.map(([key, item]) => `${short(key, 100)}=${inner(item)}`), ...more].join(", ")})`;
  }
  return `{${[...items.map(([key, item]) => `${JSON.stringify(short(key, 100))}: ${inner(item)}`), ...more].join(", ")}}`;
}

const TOKENS = /(#.*$)|("""|'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b(def|return|for|in|if|elif|else|while|not|and|or|is|lambda|try|except|None|True|False|import|from|break|continue|pass)\b|\b(\d+(?:\.\d+)?)\b/g;
const KINDS = ["vt-comment", "vt-text", "vt-word", "vt-figure"];

function colored(line) {
  // The time of the pattern grows with the square of the length where quotes are never closed.
  if (line.length > LONGEST.colored) return [short(line, LONGEST.line)];
  const parts = [];
  let end = 0;
  for (const match of line.matchAll(TOKENS)) {
    const kind = match.slice(1).findIndex((group) => group !== undefined);
    parts.push(line.slice(end, match.index), el("span", {class: KINDS[kind]}, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, line.slice(end)];
}
