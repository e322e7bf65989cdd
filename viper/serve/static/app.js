"use strict";
// The page: an image, a question, steps as they happen, an editable program, and the history.
//
// What is asked is what the form shows: a program is run again with the image and the question that are seen.
// Texts of answers, programs, files and errors are inserted as text, never as markup.

const api = new Api();
const $ = (id) => document.getElementById(id);
const editor = new Editor({text: $("program"), numbers: $("numbers"), findings: $("findings")});
const before = new AskedBefore();

let selected = null; // {blob, name, url, width, height}
let running = null; // the AbortController of the current run
let examples = {question: null, picture: null}; // questions that the models can answer

// the image

async function selectImage(blob, name, isExample = false) {
  showError("");
  const url = URL.createObjectURL(blob);
  const element = preview(url);
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
  // The question of the example is about no other image.
  if (!isExample && $("question").value === examples.picture?.question) $("question").value = "";
  $("question").focus();
}

function preview(url) {
  const element = new Image();
  element.alt = "The image for the question";
  element.src = url;
  return element;
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
  const {file, question} = examples.picture;
  try {
    const reply = await fetch(`/static/${file}`);
    await selectImage(await reply.blob(), file, true);
    if (!$("question").value) $("question").value = question;
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
  return {image: selected, question, task: $("task").value, choices, bestEffort: $("best-effort").checked};
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
  const request = readForm();
  if (request) answer({...request, program: editor.program});
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
  editor.show([]);
  // Neither an answer nor a program of another question stays beside this one.
  if (request.program === undefined) $("editor").hidden = true;
  let view = newTrace(request);
  let finished = false;
  let started = false;
  try {
    showStatus("Sending the image …");
    for await (const {name, data} of api.answer(request, running.signal)) {
      if (name === "waiting") showStatus(data.ahead ? `Waiting; ${data.ahead} ahead …` : "Waiting …");
      if (name === "started") {
        showStatus("Working …");
        if (started) view = newTrace(request); // other clients waited: it begins anew
        started = true;
      }
      if (name === "step") {
        view.step(data);
        if (data.step === "program" && request.program === undefined) edit(data.source);
      }
      if (name === "answer" || name === "error") finished = true;
      if (name === "error") {
        $("run").hidden = true;
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
  if (body.failure?.line && !isMild(body.failure)) editor.show([body.failure]);
  showStatus("");
  const {question, task, choices, bestEffort, image} = request;
  const caveat = [body.doubts.length ? `not verified: ${body.doubts.map(({condition}) => condition).join("; ")}` : "", body.how === "direct" ? "one model, not checked" : ""].filter(Boolean).join("; ");
  before.add({
    question, task, choices, bestEffort, file: image.name, program: program ?? null, edited: request.program !== undefined,
    answer: body.answer, kind: body.failure?.kind ?? null, caveat, trace: body.trace, image,
  });
  listHistory();
}

function failed(error) {
  showStatus("");
  if (error.name === "AbortError") return showStatus("Stopped.");
  if (error instanceof ApiError) {
    $("run").hidden = true;
    if (error.status === 401) askForToken();
    return showError(error.message);
  }
  showError("The server cannot be reached, or the connection was lost.");
}

function newTrace(request) {
  const root = document.createElement("div");
  root.tabIndex = 0;
  $("run").replaceChildren(root);
  $("run").hidden = false;
  const askAnyway = () => {
    $("best-effort").checked = true;
    answer({...request, bestEffort: true});
  };
  const {url = null, width = 0, height = 0} = request.image ?? {};
  const question = request.program === undefined ? request.question : "";
  return new ViperTrace(root, {picture: url, width, height, question, askAnyway: request.image ? askAnyway : null});
}

// the program

function edit(program) {
  $("editor").hidden = false;
  editor.program = program;
}

$("check").addEventListener("click", async () => {
  showError("");
  try {
    const {findings} = await api.check(editor.program);
    editor.show(findings);
    showStatus(findings.length ? "" : "Nothing was found: the program may run.");
  } catch (error) {
    failed(error);
  }
});

// the history

function listHistory() {
  $("past").hidden = before.entries.length === 0;
  $("history").replaceChildren(...before.entries.map((entry) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link";
    button.textContent = entry.edited ? "A program of your own" : entry.question || "(a program)";
    button.addEventListener("click", () => reopen(entry));
    const outcome = document.createElement("span");
    outcome.textContent = entry.kind ? `no answer (${entry.kind})` : entry.answer;
    outcome.className = entry.kind && !isMild(entry) ? "bad" : "";
    const what = entry.edited ? " · edited program" : "";
    const caveat = entry.caveat ? ` (${entry.caveat})` : "";
    item.append(button, " ", outcome, soft(`${caveat} · ${entry.file}${what}`));
    return item;
  }));
}

$("forget").addEventListener("click", () => {
  before.forget();
  listHistory();
});

function reopen(entry) {
  if (running) return;
  selected = entry.image ?? null;
  const hint = `The image ${entry.file} is not kept: choose it again to ask on.`;
  $("preview").replaceChildren(selected?.url ? preview(selected.url) : paragraph(selected ? "This browser cannot display the image." : hint));
  $("question").value = entry.question;
  $("task").value = entry.task === "grounding" ? "grounding" : "vqa";
  $("choices").value = entry.choices.join(", ");
  $("best-effort").checked = Boolean(entry.bestEffort);
  showStatus("");
  showError("");
  const request = {...entry, program: entry.edited ? entry.program : undefined};
  const view = newTrace(request);
  try {
    view.show(entry.trace);
  } catch {
    // Its trace was too large to keep, or is none.
    $("run").replaceChildren(paragraph(`${entry.question} ${entry.kind ? `No answer (${entry.kind})` : entry.answer}${entry.caveat ? ` (${entry.caveat})` : ""}`), paragraph("Its steps were not kept."));
  }
  editor.show([]);
  $("editor").hidden = !entry.program;
  if (entry.program) edit(entry.program);
  const failure = entry.trace?.failure;
  if (failure?.line && !isMild(failure)) editor.show([failure]);
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
    $("best-effort").checked = info.best_effort;
    $("token-form").hidden = true;
    $("token").value = "";
    showError("");
  } catch (error) {
    return failed(error);
  }
  try {
    examples = await api.examples();
  } catch {
    return; // a model cannot be loaded: the first question will say so
  }
  if (examples.question) $("question").placeholder = examples.question;
  $("example-part").hidden = !examples.picture;
}

listHistory();
start();
