"use strict";
// What was asked before. It survives a reload in the browser's own storage: questions, answers, programs and, where
// they are small, traces. No image is kept, and no token.
//
// What the storage holds may come from another program at this address, so it is checked like a stranger's.

const KEPT = {key: "viper-asked-before", entries: 30, characters: 1_000_000, text: 20_000, trace: 150_000};

class AskedBefore {
  constructor() {
    this.entries = this.#read();
  }

  // An entry: {question, task, choices, bestEffort, file, program, edited, answer, kind, caveat, trace, image};
  // `image` is what the page holds of the picture, and is not stored.
  add(entry) {
    this.entries.unshift(entry);
    this.entries.length = Math.min(this.entries.length, KEPT.entries);
    this.#write();
  }

  forget() {
    this.entries = [];
    try {
      localStorage.removeItem(KEPT.key);
    } catch {
      // there is no storage, so there is nothing to forget
    }
  }

  #write() {
    let left = KEPT.characters;
    const texts = [];
    for (const entry of this.entries) {
      const {image, trace, ...rest} = entry;
      const withTrace = JSON.stringify({...rest, trace});
      const text = withTrace.length <= KEPT.trace && withTrace.length <= left ? withTrace : JSON.stringify({...cut(rest), trace: null});
      if (text.length > left) break;
      left -= text.length;
      texts.push(text);
    }
    try {
      localStorage.setItem(KEPT.key, `[${texts.join(",")}]`);
    } catch {
      // the storage is full or switched off: the history lasts as long as the page
    }
  }

  #read() {
    try {
      const text = localStorage.getItem(KEPT.key) ?? "[]";
      const entries = text.length <= 2 * KEPT.characters ? JSON.parse(text) : [];
      return Array.isArray(entries) ? entries.filter(isEntry).slice(0, KEPT.entries) : [];
    } catch {
      return [];
    }
  }
}

function cut(entry) {
  const shorter = (value) => (typeof value === "string" ? value.slice(0, KEPT.text) : value);
  return Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, shorter(value)]));
}

function isEntry(value) {
  const isText = (item) => typeof item === "string";
  const isTextOrNull = (item) => item === null || isText(item);
  return value !== null && typeof value === "object" && [value.question, value.task, value.file, value.caveat].every(isText)
    && [value.program, value.answer, value.kind].every(isTextOrNull) && Array.isArray(value.choices) && value.choices.every(isText)
    && (value.trace === null || typeof value.trace === "object");
}
