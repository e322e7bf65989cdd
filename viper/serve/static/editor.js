"use strict";
// The program as text that can be changed, with numbers of lines. Long lines wrap: the numbers stand in front of a
// copy of each line, which nobody sees and which wraps like the text above it.

class Editor {
  constructor({text, numbers, findings}) {
    this.text = text;
    this.numbers = numbers;
    this.findings = findings;
    this.text.addEventListener("input", () => this.#number());
  }

  get program() {
    return this.text.value;
  }

  set program(program) {
    this.text.value = program.replace(/\n+$/, "");
    this.#number();
  }

  // Shows findings {line, kind, message} at their lines.
  show(findings) {
    this.findings.replaceChildren(...findings.map(({line, kind, message}) => {
      const item = document.createElement("li");
      const place = document.createElement("button");
      place.type = "button";
      place.className = "link";
      place.dataset.line = line;
      place.textContent = `Line ${line}`;
      place.addEventListener("click", () => this.#goTo(line));
      item.append(place, ` (${kind}): ${message}`);
      return item;
    }));
    this.#number();
  }

  #number() {
    const faults = new Set([...this.findings.querySelectorAll("button")].map((one) => Number(one.dataset.line)));
    this.numbers.replaceChildren(...this.text.value.split("\n").map((line, index) => {
      const row = document.createElement("div");
      const number = document.createElement("span");
      number.textContent = index + 1;
      number.classList.toggle("fault", faults.has(index + 1));
      row.append(number, line);
      return row;
    }));
  }

  #goTo(line) {
    const lines = this.text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    this.text.focus();
    this.text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    this.numbers.children[line - 1]?.scrollIntoView({block: "nearest"});
  }
}
