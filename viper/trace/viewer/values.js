"use strict";
// How values, texts and times of a trace are written, and how elements are made of them: as text nodes only.

// What is drawn of a trace is bounded: it may come from anybody.
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function button(text, attributes, act) {
  const made = el("button", {type: "button", ...attributes}, text);
  made.addEventListener("click", act);
  return made;
}

// A part that is filled when it is opened: prompts and lists may be long.
function folded(kind, title, isOpen, fill) {
  const made = el("details", {class: kind}, el("summary", {}, title));
  const open = () => {
    if (made.open && made.children.length === 1) made.append(...fill());
  };
  made.open = isOpen;
  open();
  made.addEventListener("toggle", open);
  return made;
}

// Characters without a shape as escapes: a text can hide whole sentences in them.
function visible(text) {
  return text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu, (found) => `\\u{${found.codePointAt(0).toString(16)}}`);
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

// A call as the program wrote it.
function called(call) {
  const listed = call.arguments.slice(0, MOST.items).map((argument) => written(argument, true));
  return short(`${name(call)}(${listed.join(", ")}${call.arguments.length > MOST.items ? ", …" : ""})`, LONGEST.text);
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

// A result in a few words, for a list of calls.
function inBrief(call) {
  if (call.error) return `${call.error.kind}: ${short(call.error.message, 200)}`;
  const {result} = call;
  if (result === true) return "yes";
  if (result === false) return "no";
  if (Array.isArray(result) && result.length === 0) return "nothing";
  if (Array.isArray(result) && result.every((item) => item?.type === "patch")) return `${result.length} found`;
  return short(written(result, true), 200);
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
