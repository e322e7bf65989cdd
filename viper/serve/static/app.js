"use strict";
// The page: a picture, a question, steps as they come, a program to edit, what was asked before.
//
// Texts of answers, programs, files and errors are put in as text, never as markup.

const api = new Api();
const $ = (id) => document.getElementById(id);
const MOST_PAST = 30;

let picture = null; // {blob, name, url, width, height}
let running = null; // the AbortController of the run that goes on
let asked = null; // what the program in the editor belongs to
const past = [];

// the picture

async function take(blob, name) {
  tellProblem("");
  const url = URL.createObjectURL(blob);
  const shown = new Image();
  shown.alt = "The picture to be asked about";
  shown.src = url;
  let [width, height] = [0, 0];
  try {
    await shown.decode();
    [width, height] = [shown.naturalWidth, shown.naturalHeight];
    $("preview").replaceChildren(shown);
  } catch {
    // A browser knows fewer formats than the server, TIFF for one.
    $("preview").replaceChildren(paragraph("This browser cannot show the picture; the server may still read it."));
  }
  picture = {blob, name, url: width ? url : null, width, height};
  $("drop").classList.add("filled");
  $("question").focus();
}

function taken(files) {
  const file = [...(files ?? [])].find((one) => one.type.startsWith("image/")) ?? files?.[0];
  if (file) take(file, file.name);
}

$("file").addEventListener("change", () => {
  taken($("file").files);
  $("file").value = ""; // the same file may be chosen again
});
$("example").addEventListener("click", async () => {
  try {
    const reply = await fetch("/static/example.png");
    await take(await reply.blob(), "example.png");
    if (!$("question").value) $("question").value = "How many metal things are left of the purple cube?";
  } catch {
    tellProblem("The server cannot be reached.");
  }
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) {
    event.preventDefault();
    taken(event.clipboardData.files);
  }
});
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
}
for (const kind of ["dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" || !event.relatedTarget) $("drop").classList.remove("over");
  });
}
document.addEventListener("drop", (event) => taken(event.dataTransfer?.files));

// asking

function request() {
  if (!picture) return tellProblem("Choose a picture first.");
  const question = $("question").value.trim();
  const choices = $("choices").value.split(",").map((text) => text.trim()).filter(Boolean);
  return {picture: picture.blob, name: picture.name, shown: picture, question, task: $("task").value, choices};
}

$("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = request();
  if (wanted && !wanted.question) return tellProblem("Write a question first.");
  if (wanted) answer(wanted);
});
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("ask-form").requestSubmit();
  }
});
$("rerun").addEventListener("click", rerun);
$("program").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) rerun();
});

function rerun() {
  // The program goes with the picture and question that it was written for.
  const wanted = asked ?? request();
  if (wanted) answer({...wanted, program: $("program").value});
}

$("stop").addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});

async function answer(wanted) {
  if (running) return;
  running = new AbortController();
  busy(true);
  tellProblem("");
  find([]);
  asked = {...wanted, program: undefined};
  const view = fresh(wanted.shown);
  let finished = false;
  try {
    tell("Sending the picture …");
    for await (const {name, data} of api.answer(wanted, running.signal)) {
      if (name === "waiting") tell(data.ahead ? `Waiting; ${data.ahead} ahead …` : "Waiting …");
      if (name === "started") tell("Working …");
      if (name === "step") {
        view.step(data);
        if (data.step === "program" && wanted.program === undefined) edit(data.source);
      }
      if (name === "answer" || name === "error") finished = true;
      if (name === "error") {
        tell("");
        tellProblem(data.error.message);
      }
      if (name === "answer") done(wanted, view, data);
    }
    if (!finished) {
      tell("");
      tellProblem("The connection ended before the answer came.");
    }
  } catch (error) {
    failed(error);
  } finally {
    running = null;
    busy(false);
  }
}

function done(wanted, view, body) {
  view.show(body.trace);
  const program = wanted.program ?? body.program;
  if (program) edit(program);
  if (body.failure?.line) find([body.failure]);
  tell("");
  remember({wanted, body, program});
}

function failed(error) {
  tell("");
  if (error.name === "AbortError") return tell("Stopped.");
  if (error instanceof ServerProblem) {
    if (error.status === 401) askForToken();
    return tellProblem(error.message);
  }
  tellProblem("The server cannot be reached, or the connection was lost.");
}

function fresh(shown) {
  const root = document.createElement("div");
  root.tabIndex = 0;
  $("run").replaceChildren(root);
  $("run").hidden = false;
  return new ViperTrace(root, {picture: shown.url, width: shown.width, height: shown.height});
}

// the program

function edit(program) {
  $("editor").hidden = false;
  $("program").value = program.replace(/\n+$/, "");
  number();
}

function number() {
  const lines = $("program").value.split("\n").length;
  const faults = new Set([...$("findings").querySelectorAll("button")].map((one) => Number(one.dataset.line)));
  $("numbers").replaceChildren(...Array.from({length: lines}, (_, index) => {
    const made = document.createElement("span");
    made.textContent = `${index + 1}\n`;
    made.classList.toggle("fault", faults.has(index + 1));
    return made;
  }));
  $("program").rows = Math.min(Math.max(lines, 6), 30);
}

$("program").addEventListener("input", number);
$("program").addEventListener("scroll", () => ($("numbers").scrollTop = $("program").scrollTop));

$("check").addEventListener("click", async () => {
  tellProblem("");
  try {
    const {findings} = await api.check($("program").value);
    find(findings);
    tell(findings.length ? "" : "Nothing was found: the program may run.");
  } catch (error) {
    failed(error);
  }
});

function find(findings) {
  $("findings").replaceChildren(...findings.map(({line, kind, message}) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.dataset.line = line;
    button.textContent = `Line ${line}`;
    button.addEventListener("click", () => goTo(line));
    item.append(button, ` (${kind}): ${message}`);
    return item;
  }));
  number();
}

function goTo(line) {
  const lines = $("program").value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  $("program").focus();
  $("program").setSelectionRange(start, start + (lines[line - 1] ?? "").length);
}

// what was asked before, in this page's memory

function remember(entry) {
  past.unshift(entry);
  past.length = Math.min(past.length, MOST_PAST);
  $("past").hidden = false;
  $("history").replaceChildren(...past.map((one) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = one.wanted.question || "(a program)";
    button.addEventListener("click", () => again(one));
    const outcome = document.createElement("span");
    outcome.textContent = one.body.failure ? `no answer (${one.body.failure.kind})` : one.body.answer;
    outcome.className = one.body.failure ? "bad" : "";
    const what = one.wanted.program === undefined ? "" : " · edited program";
    item.append(button, " ", outcome, soft(` · ${one.wanted.name}${what}`));
    return item;
  }));
}

function again({wanted, body, program}) {
  if (running) return;
  picture = wanted.shown;
  if (picture.url) {
    const shown = new Image();
    shown.alt = "The picture to be asked about";
    shown.src = picture.url;
    $("preview").replaceChildren(shown);
  }
  $("question").value = wanted.question;
  $("task").value = wanted.task;
  $("choices").value = wanted.choices.join(", ");
  asked = {...wanted, program: undefined};
  tell("");
  tellProblem("");
  fresh(wanted.shown).show(body.trace);
  find([]);
  if (program) edit(program);
  if (body.failure?.line) find([body.failure]);
  $("run").scrollIntoView({block: "start"});
}

// telling

function tell(text) {
  $("status").textContent = text;
}

function tellProblem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

function busy(is) {
  $("stop").hidden = !is;
  $("ask").disabled = $("rerun").disabled = is;
  document.body.classList.toggle("busy", is);
}

function paragraph(text) {
  const made = document.createElement("p");
  made.textContent = text;
  return made;
}

function soft(text) {
  const made = document.createElement("span");
  made.className = "soft";
  made.textContent = text;
  return made;
}

// the beginning

function askForToken() {
  $("token-form").hidden = false;
  $("token").focus();
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.use($("token").value.trim());
  begin();
});

async function begin() {
  try {
    const info = await api.info();
    const models = [...new Set(Object.values(info.models))].join(", ") || "no models";
    $("about").textContent = `Programs by ${info.generator} · models: ${models} · sandbox ${info.sandbox} · version ${info.version}`;
    $("token-form").hidden = true;
    $("token").value = "";
    tellProblem("");
  } catch (error) {
    failed(error);
  }
}

begin();
