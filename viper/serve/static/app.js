"use strict";
// The page: an image, a question, steps as they happen, an editable program, and the history.
//
// Texts of answers, programs, files and errors are inserted as text, never as markup.

const api = new Api();
const $ = (id) => document.getElementById(id);
const MAX_HISTORY = 30;

let selected = null; // {blob, name, url, width, height}
let running = null; // the AbortController of the current run
let current = null; // the request that the program in the editor belongs to
const past = [];

// the image

async function selectImage(blob, name) {
  showError("");
  const url = URL.createObjectURL(blob);
  const element = new Image();
  element.alt = "The image for the question";
  element.src = url;
  let [width, height] = [0, 0];
  try {
    await element.decode();
    [width, height] = [element.naturalWidth, element.naturalHeight];
    $("preview").replaceChildren(element);
  } catch {
    // Browsers support fewer formats than the server, for example no TIFF.
    $("preview").replaceChildren(paragraph("This browser cannot display the image; the server may still be able to read it."));
  }
  selected = {blob, name, url: width ? url : null, width, height};
  $("drop").classList.add("filled");
  $("question").focus();
}

function selectFile(files) {
  const file = [...(files ?? [])].find((one) => one.type.startsWith("image/")) ?? files?.[0];
  if (file) selectImage(file, file.name);
}

$("file").addEventListener("change", () => {
  selectFile($("file").files);
  $("file").value = ""; // the same file may be chosen again
});
$("example").addEventListener("click", async () => {
  try {
    const reply = await fetch("/static/example.png");
    await selectImage(await reply.blob(), "example.png");
    if (!$("question").value) $("question").value = "How many metal things are left of the purple cube?";
  } catch {
    showError("The server cannot be reached.");
  }
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) {
    event.preventDefault();
    selectFile(event.clipboardData.files);
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
document.addEventListener("drop", (event) => selectFile(event.dataTransfer?.files));

// requests

function readForm() {
  if (!selected) return showError("Choose an image first.");
  const question = $("question").value.trim();
  const choices = $("choices").value.split(",").map((text) => text.trim()).filter(Boolean);
  return {image: selected.blob, name: selected.name, preview: selected, question, task: $("task").value, choices};
}

$("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const request = readForm();
  if (request && !request.question) return showError("Write a question first.");
  if (request) answer(request);
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
  // A program is run with the image and question that it was written for.
  const request = current ?? readForm();
  if (request) answer({...request, program: $("program").value});
}

$("stop").addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
});

async function answer(request) {
  if (running) return;
  running = new AbortController();
  busy(true);
  showError("");
  find([]);
  current = {...request, program: undefined};
  let view = newTrace(request.preview);
  let finished = false;
  let started = false;
  try {
    showStatus("Sending the image …");
    for await (const {name, data} of api.answer(request, running.signal)) {
      if (name === "waiting") showStatus(data.ahead ? `Waiting; ${data.ahead} ahead …` : "Waiting …");
      if (name === "started") {
        showStatus("Working …");
        if (started) view = newTrace(request.preview);  // other clients waited: it begins anew
        started = true;
      }
      if (name === "step") {
        view.step(data);
        if (data.step === "program" && request.program === undefined) edit(data.source);
      }
      if (name === "answer" || name === "error") finished = true;
      if (name === "error") {
        showStatus("");
        showError(data.error.message);
      }
      if (name === "answer") done(request, view, data);
    }
    if (!finished) {
      showStatus("");
      showError("The connection ended before the answer came.");
    }
  } catch (error) {
    failed(error);
  } finally {
    running = null;
    busy(false);
  }
}

function done(request, view, body) {
  view.show(body.trace);
  const program = request.program ?? body.program;
  if (program) edit(program);
  if (body.failure?.line) find([body.failure]);
  showStatus("");
  addToHistory({request, body, program});
}

function failed(error) {
  showStatus("");
  if (error.name === "AbortError") return showStatus("Stopped.");
  if (error instanceof ApiError) {
    if (error.status === 401) askForToken();
    return showError(error.message);
  }
  showError("The server cannot be reached, or the connection was lost.");
}

function newTrace(preview) {
  const root = document.createElement("div");
  root.tabIndex = 0;
  $("run").replaceChildren(root);
  $("run").hidden = false;
  return new ViperTrace(root, {picture: preview.url, width: preview.width, height: preview.height});
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
  showError("");
  try {
    const {findings} = await api.check($("program").value);
    find(findings);
    showStatus(findings.length ? "" : "Nothing was found: the program may run.");
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

// the history, in the memory of this page

function addToHistory(entry) {
  past.unshift(entry);
  past.length = Math.min(past.length, MAX_HISTORY);
  $("past").hidden = false;
  $("history").replaceChildren(...past.map((one) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = one.request.question || "(a program)";
    button.addEventListener("click", () => reopen(one));
    const outcome = document.createElement("span");
    outcome.textContent = one.body.failure ? `no answer (${one.body.failure.kind})` : one.body.answer;
    outcome.className = one.body.failure ? "bad" : "";
    const what = one.request.program === undefined ? "" : " · edited program";
    item.append(button, " ", outcome, soft(` · ${one.request.name}${what}`));
    return item;
  }));
}

function reopen({request, body, program}) {
  if (running) return;
  selected = request.preview;
  if (selected.url) {
    const element = new Image();
    element.alt = "The image for the question";
    element.src = selected.url;
    $("preview").replaceChildren(element);
  }
  $("question").value = request.question;
  $("task").value = request.task;
  $("choices").value = request.choices.join(", ");
  current = {...request, program: undefined};
  showStatus("");
  showError("");
  newTrace(request.preview).show(body.trace);
  find([]);
  if (program) edit(program);
  if (body.failure?.line) find([body.failure]);
  $("run").scrollIntoView({block: "start"});
}

// status and errors

function showStatus(text) {
  $("status").textContent = text;
}

function showError(text) {
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

// start

function askForToken() {
  $("token-form").hidden = false;
  $("token").focus();
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api.use($("token").value.trim());
  start();
});

async function start() {
  try {
    const info = await api.info();
    const models = [...new Set(Object.values(info.models))].join(", ") || "no models";
    $("about").textContent = `Programs by ${info.generator} · models: ${models} · sandbox ${info.sandbox} · version ${info.version}`;
    $("token-form").hidden = true;
    $("token").value = "";
    showError("");
  } catch (error) {
    failed(error);
  }
}

start();
