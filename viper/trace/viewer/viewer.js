"use strict";
// Shows a trace (see ../schema.json): the answer and what it hangs on, the image with boxes (stage.js), the
// program, its calls step by step. Values are written by values.js.
//
//   const view = new ViperTrace(element, {picture: uri, width, height, question, askAnyway});
//                       picture: the first image; askAnyway: asks again for an answer even with doubts
//   view.show(trace)    a whole trace; may be called again
//   view.step(step)     one step of a run that goes on (see ../steps.py)
//   view.clear()
//
// Texts of models, programs and files are put in as text nodes, never as markup. Nothing here needs the
// network, inline scripts or inline styles, so that it works under the strictest content policy.
//
// A trace may come from anybody: what is drawn of it is bounded, and what is left out is counted ("… 3 more").

const MOST = {programs: 100, calls: 2000, lines: 5000, colored: 2000, boxes: 1000, notes: 50, items: 50, values: 2000, apart: 3, listed: 200};
const LONGEST = {line: 2000, colored: 500, text: 5000, block: 50000};

// Kinds of failures that say something about the picture or the models, not that something broke.
const NO_ANSWER = {
  absent: {title: "not found", canGuess: true, advice: "Ask whether it is there at all, or name it in other words."},
  unsure: {title: "it cannot be told", advice: "Ask something more definite, or take a picture that shows it better."},
  untested: {canGuess: true, title: "not all of it can be tested", advice: "Ask without that condition, or use models that can test it."},
  unserved: {title: "a model is missing", advice: "Ask what the models here can tell, or use more models."},
  model: {title: "the models cannot tell", advice: "Ask in other words, or use other models."},
  strange: {canGuess: true, title: "the models do not know such pictures", advice: "Use models that know them."},
};
const ANYWAY = "An answer that may be wrong, with its doubts, is given for the best effort (--best-effort).";

class ViperTrace {
  constructor(root, {picture = null, width = 0, height = 0, question = "", askAnyway = null} = {}) {
    this.root = root;
    this.picture = picture;
    this.size = [width, height];
    this.question = question;
    this.askAnyway = askAnyway;
    this.root.classList.add("vt");
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.clear();
  }

  clear() {
    this.#stop();
    this.trace = this.whole = this.stage = null;
    this.attempt = 0;
    this.steps = []; // what can be stepped to (steps.js)
    this.at = 0;
    this.inner = null; // the call that is looked at within a step of many
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
    this.whole = trace;
    this.trace = {...trace, turns, chosen, morePrograms: trace.turns.length - MOST.programs};
    const [image] = trace.images;
    if (image.width && (image.width !== this.size[0] || image.height !== this.size[1])) {
      this.size = [image.width, image.height];
      this.stage = null;
    }
    this.attempt = chosen ?? 0;
    this.#toEnd();
    this.#draw();
  }

  step(step) {
    this.trace ??= {question: this.question, turns: [], answer: null, patches: [], failure: null, live: true};
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
    const {calls, live} = turns[step.attempt];
    this.#toEnd();
    if (live && calls.length) this.#lookAt(calls.length - 1);
    this.#draw();
  }

  #toEnd() {
    this.steps = stepsOf(this.trace.turns[this.attempt]);
    this.at = this.steps.length - 1;
    this.inner = null;
  }

  // Sets the step of a call.
  #lookAt(call) {
    this.at = this.steps.findIndex((step) => step.calls.includes(call));
    this.inner = this.steps[this.at].calls.length > 1 ? call : null;
  }

  go(index) {
    this.at = Math.max(0, Math.min(this.steps.length - 1, index));
    this.inner = null;
    this.#update();
  }

  goToCall(call) {
    this.#stop();
    this.#lookAt(call);
    this.#update();
  }

  #key(event) {
    if (event.target.closest("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey || !this.trace) return;
    const moves = {ArrowRight: this.at + 1, ArrowLeft: this.at - 1, Home: 0, End: Infinity};
    const zooms = {"+": ZOOM.factor, "=": ZOOM.factor, "-": 1 / ZOOM.factor, 0: 0};
    if (event.key in moves) {
      if (event.target.matches(".vt-stage")) return; // it is moved itself
      this.#stop();
      this.go(moves[event.key]);
    } else if (event.key in zooms) {
      this.stage.zoomBy(zooms[event.key]);
    } else if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "SUMMARY") {
      this.#play();
    } else {
      return;
    }
    event.preventDefault();
  }

  #play() {
    if (this.playing) return this.#stop();
    if (this.at >= this.steps.length - 1) this.go(0);
    this.playing = setInterval(() => {
      this.go(this.at + 1);
      if (this.at >= this.steps.length - 1) this.#stop();
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
    this.rows = [];
    this.stage ??= new TraceStage({picture: this.picture, width: this.size[0], height: this.size[1]});
    this.root.replaceChildren(
      this.#head(),
      ...(this.trace.turns.length > 1 ? [this.#tabs()] : []),
      el("div", {class: "vt-columns"},
        el("div", {class: "vt-see"}, this.stage.element, (this.legend = el("p", {class: "vt-legend"})), this.#controls(),
          (this.detail = el("div", {class: "vt-detail", "aria-live": "polite"}))),
        el("div", {class: "vt-read"}, this.#program(attempt), this.#calls(attempt), this.#timeline(attempt), this.#notes(attempt), ...this.#said(attempt))),
    );
    this.#update();
  }

  #head() {
    const {trace} = this;
    const facts = [];
    if (trace.generator) facts.push(trace.generator === "file" ? "program of your own" : `program by ${trace.generator}`);
    if (trace.total_ms !== undefined) facts.push(ms(trace.total_ms));
    const calls = trace.turns.flatMap((attempt) => attempt.calls);
    const left = trace.turns.reduce((sum, attempt) => sum + (attempt.moreCalls ?? 0), 0);
    facts.push(left ? `${calls.length} calls and … ${left} more` : count(calls.length, "call"));
    if (trace.morePrograms > 0) facts.push(`… ${trace.morePrograms} more programs`);
    const forwards = Object.values(trace.forwards ?? {}).reduce((sum, n) => sum + n, 0);
    if (trace.forwards) facts.push(count(forwards, "forward"));
    const cached = calls.filter((call) => call.cached).length;
    if (cached) facts.push(`${cached} cached`);
    const download = trace.live ? "" : button("Download the trace", {class: "vt-download"}, () => this.#download());
    return el("header", {class: "vt-head"}, this.#asked(), ...this.#outcome(),
      el("p", {class: "vt-facts"}, short(facts.join(" · "), LONGEST.text), " ", download));
  }

  // The question stands over the answer to it only: another program may answer something else.
  #asked() {
    const {trace} = this;
    if (!trace.question) return trace.generator === "file" ? el("h1", {}, "A program of your own") : "";
    const question = short(trace.question, LONGEST.text);
    if (trace.generator !== "file") return el("h1", {}, question);
    return el("h1", {}, "A program of your own ", el("span", {class: "vt-soft"}, `(it was given the question: ${question})`));
  }

  #outcome() {
    const {trace} = this;
    if (trace.failure) {
      const message = el("span", {class: "vt-message"}, short(trace.failure.message, LONGEST.text));
      const known = NO_ANSWER[kindOf(trace)];
      if (!known) return [el("p", {class: "vt-answer vt-bad"}, `No answer (${trace.failure.kind})`, message)];
      // What the models cannot tell is said with its ways out (viper/methods/doubts.py): once is enough.
      const isComplete = trace.failure.message.includes("--best-effort");
      const advice = isComplete ? [] : [known.advice];
      let anyway = "";
      if (!trace.best_effort && known.canGuess) {
        if (this.askAnyway) anyway = button("Answer even with doubts", {class: "vt-anyway"}, () => this.askAnyway());
        else if (!isComplete) advice.push(ANYWAY);
      }
      const headline = el("p", {class: "vt-answer vt-none"}, `No answer: ${known.title}`, message);
      return [headline, advice.length || anyway ? el("p", {class: "vt-advice"}, advice.join(" "), " ", anyway) : ""];
    }
    const answer = trace.answer !== null ? short(trace.answer, LONGEST.text) : trace.live ? "…" : "no answer";
    return [el("p", {class: "vt-answer"}, answer), ...this.#caveats(), this.#weakest()];
  }

  #caveats() {
    const {doubts = [], direct_answer: direct} = this.trace;
    const banners = [];
    if (doubts.length) {
      const listed = doubts.slice(0, MOST.notes).map(({condition, why}) => el("li", {}, el("strong", {}, short(condition, LONGEST.text)), why ? `: ${short(why, LONGEST.text)}` : ""));
      if (doubts.length > listed.length) listed.push(el("li", {}, `… ${doubts.length - listed.length} more`));
      banners.push(el("div", {class: "vt-banner", role: "note"}, "Not verified; the answer may be wrong:", el("ul", {}, ...listed)));
    }
    if (direct) {
      banners.push(el("div", {class: "vt-banner", role: "note"}, el("strong", {}, "Answered by one model, not checked"), ` (${short(direct.model, LONGEST.text)}; ${short(direct.why, LONGEST.text)})`));
    }
    return banners;
  }

  // The call whose score was nearest to its threshold.
  #weakest() {
    const {trace} = this;
    const calls = trace.answer === null || trace.chosen === null ? [] : (trace.turns[trace.chosen]?.calls ?? []);
    const margin = (call) => (typeof call.score === "number" && typeof call.threshold === "number" ? Math.abs(call.score - call.threshold) : Infinity);
    const least = calls.reduce((best, call, index) => (margin(call) < (best === null ? Infinity : margin(calls[best])) ? index : best), null);
    if (least === null) return "";
    const call = calls[least];
    return el("p", {class: "vt-facts"}, "It hangs most on ",
      button(called(call), {class: "vt-link"}, () => {
        if (this.attempt !== trace.chosen) this.#change(trace.chosen);
        this.goToCall(least);
      }), `: score ${call.score.toFixed(2)}, threshold ${call.threshold.toFixed(2)}`);
  }

  // The trace as a file, as `viper trace show` and `viper replay` read it.
  #download() {
    const url = URL.createObjectURL(new Blob([JSON.stringify(this.whole, null, 1)], {type: "application/json"}));
    const link = el("a", {href: url, download: "viper-trace.json"});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  #tabs() {
    return el("nav", {class: "vt-tabs", "aria-label": "Programs"}, ...this.trace.turns.map((attempt, index) => {
      const verdict = attempt.live ? "…" : attempt.failure ? `${isMild(attempt.failure) ? "–" : "✗"} ${attempt.failure.kind}` : "✓";
      const mark = index === this.trace.chosen ? " (the answer)" : "";
      return button(`Program ${attempt.number ?? index + 1} ${verdict}${mark}`, {"aria-pressed": index === this.attempt}, () => this.#change(index));
    }));
  }

  #change(attempt) {
    this.#stop();
    this.attempt = attempt;
    this.#toEnd();
    this.#draw();
  }

  #controls() {
    const to = (text, label, index) => button(text, {"aria-label": label, title: label}, () => {
      this.#stop();
      this.go(index());
    });
    this.playButton = button("▶", {"aria-label": "Play (space)", title: "Play (space)"}, () => this.#play());
    // In a row of its own: beside a text that changes its width, its end would move away from the pointer.
    this.slider = el("input", {type: "range", min: 0, max: Math.max(0, this.steps.length - 1), step: 1, "aria-label": "Step"});
    this.slider.addEventListener("input", () => {
      this.#stop();
      this.go(Number(this.slider.value));
    });
    this.where = el("output", {});
    return el("div", {class: "vt-controls"},
      to("«", "First step (Home)", () => 0), to("‹", "Step back (←)", () => this.at - 1), this.playButton,
      to("›", "Step on (→)", () => this.at + 1), to("»", "Last step (End)", () => Infinity), this.where, this.slider);
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
    const failed = attempt.failure && isMild(attempt.failure) ? "vt-ended" : "vt-failed";
    const lines = attempt.source.replace(/\n$/, "").split("\n");
    const rows = lines.slice(0, MOST.lines).map((text, index) => {
      const number = index + 1;
      const mine = calls.get(number) ?? [];
      const label = `Line ${number}: ${count(mine.length, "call")}`;
      const row = el("div", {class: "vt-line" + (mine.length ? " vt-called" : "") + (failures.has(number) ? ` ${failed}` : "")},
        el("span", {class: "vt-number"}, number), el("code", {}, ...(index < MOST.colored ? colored(text) : [short(text, LONGEST.line)])),
        mine.length ? el("button", {type: "button", class: "vt-count", title: label, "aria-label": label}, `×${mine.length}`) : "");
      if (mine.length) {
        row.addEventListener("click", () => {
          this.#stop(); // the next step of this line, from where we are
          const own = this.steps.flatMap((step, at) => (step.calls.some((call) => attempt.calls[call].line === number) ? [at] : []));
          this.go(own.find((at) => at > this.at) ?? own[0]);
        });
      }
      this.lines.push(row);
      return failures.has(number) ? [row, el("div", {class: failed === "vt-failed" ? "vt-fault" : "vt-why"}, short(failures.get(number), LONGEST.text))] : [row];
    });
    if (lines.length > rows.length) rows.push(el("p", {class: "vt-soft"}, `… ${lines.length - rows.length} more lines`));
    return el("section", {class: "vt-program", tabindex: 0, "aria-label": "Program"}, ...rows.flat());
  }

  // All calls as a table, whose rows lead to the steps.
  #calls(attempt) {
    if (!attempt?.calls.length) return "";
    return folded("vt-calls", count(attempt.calls.length, "call"), attempt.calls.length <= 12, () => {
      const cells = (call) => [String(call.line), called(call), inBrief(call), call.score === null ? "" : call.score.toFixed(2), ms(call.ms)];
      const rows = attempt.calls.slice(0, MOST.listed).map((call, index) => {
        const row = el("tr", {class: call.error && !isMild(call.error) ? "vt-bad" : ""}, el("td", {}, button(String(index + 1), {class: "vt-link", "aria-label": `Call ${index + 1}`}, () => {})),
          ...cells(call).map((text) => el("td", {}, text)));
        row.addEventListener("click", () => this.goToCall(index));
        this.rows.push(row);
        return row;
      });
      const left = attempt.calls.length - rows.length;
      const head = ["#", "line", "call", "result", "score", "time"].map((text) => el("th", {scope: "col"}, text));
      const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
      return [el("div", {class: "vt-table", tabindex: 0, "aria-label": "Calls"}, table, left > 0 ? el("p", {class: "vt-soft"}, `… ${left} more calls`) : "")];
    });
  }

  #timeline(attempt) {
    if (!attempt?.calls.length) return "";
    const begin = Math.min(attempt.started_ms ?? Infinity, attempt.calls[0].started_ms);
    const last = attempt.calls[attempt.calls.length - 1];
    const length = Math.max(last.started_ms + last.ms, begin + (attempt.run_ms ?? 0)) - begin || 1;
    const track = el("div", {class: "vt-track"});
    this.bars = attempt.calls.map((call, index) => {
      const kind = call.error && !isMild(call.error) ? "vt-bad" : call.cached || !call.forwards ? "vt-cached" : "vt-model";
      const bar = button("", {class: `vt-bar ${kind}`, tabindex: -1, title: `${name(call)}, line ${call.line}: ${ms(call.ms)}`}, () => this.goToCall(index));
      bar.style.left = `${(100 * (call.started_ms - begin)) / length}%`;
      bar.style.width = `${(100 * call.ms) / length}%`;
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

  // What a language model was sent, and what it replied.
  #said(attempt) {
    const part = (title, text) => (text ? [folded("vt-said", `${title} (${text.length.toLocaleString("en")} characters)`, false, () => [el("pre", {tabindex: 0, "aria-label": title}, short(text, LONGEST.block))])] : []);
    return [...part("Prompt to the language model", attempt?.prompt), ...part("Its reply", attempt?.reply)];
  }

  // What belongs to the step that is looked at.
  #update() {
    const step = this.steps[this.at] ?? this.steps[this.steps.length - 1];
    const attempt = this.trace.turns[this.attempt];
    const now = this.inner !== null ? [this.inner] : step.calls;
    const line = now.length ? attempt.calls[now[0]].line : step.kind === "end" ? attempt?.failure?.line : null;
    this.lines.forEach((row, index) => row.classList.toggle("vt-now", index + 1 === line));
    const row = this.lines[line - 1];
    if (row) {
      // Only the program's own box is scrolled, never the page.
      const box = row.parentElement;
      if (row.offsetTop < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = row.offsetTop - box.clientHeight / 3;
    }
    const marked = new Set(now);
    this.bars.forEach((bar, index) => bar.classList.toggle("vt-now", marked.has(index)));
    this.rows.forEach((one, index) => one.classList.toggle("vt-now", marked.has(index)));
    this.slider.value = this.at;
    this.where.value = where(step, attempt);
    this.slider.setAttribute("aria-valuetext", this.where.value);
    this.boxes = boxesOf({step, inner: this.inner, attempt, patches: step.kind === "end" && this.attempt === (this.trace.chosen ?? 0) && this.trace.patches});
    this.stage.draw(this.boxes);
    const kinds = new Set(this.boxes.map(({kind}) => kind));
    this.legend.replaceChildren(...LEGEND.filter(([kind]) => kinds.has(kind)).map(([kind, text]) => el("span", {class: "vt-entry"}, el("span", {class: `vt-mark ${kind}`}), text)));
    this.detail.replaceChildren(...this.#details(step, attempt));
  }

  #details(step, attempt) {
    if (!attempt) return [];
    if (step.kind === "begin") {
      return [el("p", {class: "vt-soft"}, attempt.calls.length ? "The program has asked nothing yet. Step on with → or a click on a line." : "The program is about to run.")];
    }
    if (step.kind === "end") {
      if (!attempt.failure) return [el("h2", {}, "Returned"), el("pre", {}, written(attempt.returned)), this.#evidence()];
      const isFault = !isMild(attempt.failure);
      return [el("h2", {class: isFault ? "vt-bad" : ""}, isFault ? `Failed (${attempt.failure.kind})` : `Ended without an answer (${attempt.failure.kind})`), el("p", {}, short(attempt.failure.message, LONGEST.text))];
    }
    if (step.kind === "call") return this.#call(attempt.calls[step.calls[0]]);
    const rows = step.calls.slice(0, MOST.listed).map((index) => {
      const call = attempt.calls[index];
      const score = call.score === null ? "" : ` ${call.score.toFixed(2)}`;
      return el("li", {}, button(`${called(call)} → ${inBrief(call)}${score}`, {class: "vt-link", "aria-current": index === this.inner}, () => this.goToCall(index)));
    });
    const left = step.calls.length - rows.length;
    const first = attempt.calls[step.calls[0]];
    return [
      el("h2", {}, `${name(first)}, ${count(step.calls.length, "call")} of line ${first.line}`),
      el("ol", {class: "vt-many", tabindex: 0, "aria-label": "Calls of this line"}, ...rows, left > 0 ? el("li", {}, `… ${left} more`) : ""),
      ...(this.inner === null ? [] : this.#call(attempt.calls[this.inner])),
    ];
  }

  // The boxes of the answer in words; the one that is looked at lights up.
  #evidence() {
    const shown = this.boxes.map((one, index) => ({...one, index})).filter((one) => one.role);
    if (!shown.length) return "";
    const rows = shown.slice(0, MOST.items).map(({text, index}) => {
      const made = button(text, {class: "vt-link"}, () => this.stage.highlight(index));
      for (const kind of ["pointerenter", "focus"]) made.addEventListener(kind, () => this.stage.highlight(index));
      for (const kind of ["pointerleave", "blur"]) made.addEventListener(kind, () => this.stage.highlight(null));
      return el("li", {}, made);
    });
    if (shown.length > rows.length) rows.push(el("li", {}, `… ${shown.length - rows.length} more`));
    return el("ul", {class: "vt-many", "aria-label": "Boxes"}, ...rows);
  }

  #call(call) {
    const boxes = call.box_xyxy ? [call.box_xyxy] : patches(call.result).map((patch) => patch.box_xyxy);
    const facts = [["line", call.line]];
    if (call.score !== null) facts.push(["score", typeof call.threshold === "number" ? `${call.score} (threshold ${call.threshold})` : call.score]);
    facts.push(["model", short(call.model || (call.role ? `no backend serves ${call.role}` : "none"), LONGEST.text)]);
    facts.push(["time", `${ms(call.ms)}${call.model_ms ? `, of it ${ms(call.model_ms)} in the model` : ""}${call.queue_ms >= 1 ? `, ${ms(call.queue_ms)} in the queue` : ""}`]);
    facts.push(["forwards", call.cached ? "none: cached" : call.forwards ? `${call.forwards}, batch of ${call.batch_size}` : "none"]);
    if (call.prefetched) facts.push(["prefetch", count(call.prefetched, "request")]);
    if (call.box_xyxy) facts.push(["box", call.box_xyxy.map((edge) => Math.round(edge * 10) / 10).join(", ")]);
    const isFault = call.error && !isMild(call.error);
    const result = call.error
      ? el("p", {class: isFault ? "vt-result vt-bad" : "vt-result"}, `${call.error.kind}: ${short(call.error.message, LONGEST.text)}`)
      : el("pre", {class: "vt-result"}, written(call.result));
    return [
      el("h2", {}, el("code", {}, called(call))),
      el("div", {class: "vt-look"}, ...boxes.slice(0, 4).map((box) => this.stage.crop(box)), result),
      el("dl", {class: "vt-figures"}, ...facts.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])),
      ...call.notes.slice(0, MOST.notes).map((note) => el("p", {class: "vt-soft"}, short(note, LONGEST.text))),
    ];
  }
}
