"use strict";
// The steps of a program, and the boxes of each.
//
// A line that makes many calls (a loop over 80 class names) is one step: nobody clicks through 80.

// {kind: begin, call, calls or end; calls: indices of its calls}
function stepsOf(attempt) {
  if (!attempt) return [{kind: "end", calls: []}];
  const groups = new Map();
  attempt.calls.forEach((call, index) => {
    const key = `${call.line} ${call.method}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(index);
  });
  const steps = [{kind: "begin", calls: []}];
  attempt.calls.forEach((call, index) => {
    const mine = groups.get(`${call.line} ${call.method}`);
    if (mine.length <= MOST.apart) steps.push({kind: "call", calls: [index]});
    else if (mine[0] === index) steps.push({kind: "calls", calls: mine});
  });
  return attempt.live ? steps : [...steps, {kind: "end", calls: []}];
}

function where(step, attempt) {
  if (step.kind === "call") return `call ${step.calls[0] + 1} of ${attempt.calls.length}`;
  if (step.kind === "calls") return `${count(step.calls.length, "call")} of line ${attempt.calls[step.calls[0]].line}`;
  return step.kind;
}

// A turn with as many calls as are drawn.
function bounded(turn) {
  return {...turn, calls: turn.calls.slice(0, MOST.calls), moreCalls: Math.max(0, turn.calls.length - MOST.calls)};
}

const STRANGE = "that the models know such pictures"; // FAMILIAR_IMAGES in viper/methods/doubts.py

// Whether a failure is what the program found out or what the models cannot do, and no fault of the program.
function isMild({kind}) {
  return kind === "absent" || kind === "unsure" || kind === "model";
}

// Which of NO_ANSWER the failure of a trace is; undefined for a fault.
function kindOf({failure, turns, chosen}) {
  if (failure.kind !== "model") return failure.kind;
  const turn = chosen === null ? null : turns[chosen];
  if (!turn) return "strange"; // no program was written
  if (turn.doubts?.some(({condition}) => condition === STRANGE)) return "strange";
  const last = turn.calls.at(-1);
  if (turn.doubts?.length) return "untested";
  return last?.error?.kind === "model" && last.role && !last.model ? "unserved" : "model";
}

// Role of a patch in the answer → class, and what a reader is told.
const ROLES = {answer: ["vt-found vt-counted", "counted"], reference: ["vt-reference", "compared with"], rejected: ["vt-rejected", "rejected"]};
const LEGEND = [["vt-found vt-counted", "counts for the answer"], ["vt-reference", "compared with"], ["vt-rejected", "looked at, and rejected"]];

// The boxes of a step: what was found before, faintly; what was asked; what came of it. At the end, those of the
// answer by their roles, where the trace says them.
function boxesOf({step, inner, attempt, patches: answer}) {
  const calls = attempt?.calls ?? [];
  if (step.kind === "end" && attempt?.failure) return faint(calls);
  if (step.kind === "end") return [...faint(calls), ...ofAnswer(answer || patches(attempt?.returned))];
  const now = inner !== null ? [inner] : step.calls;
  const boxes = [];
  for (const index of now) {
    if (boxes.length < MOST.boxes) boxes.push(...ofCall(calls[index], now.length > 1));
  }
  return [...faint(calls.slice(0, now[0] ?? 0)), ...boxes];
}

function faint(calls) {
  return patches(calls.map((call) => call.result)).map((patch) => ({box: patch.box_xyxy, kind: "vt-before", text: titled(patch)}));
}

function ofCall(call, isOneOfMany) {
  const verdict = (call.error && !isMild(call.error)) || call.result === false ? "vt-no" : call.result === true ? "vt-yes" : "vt-receiver";
  const asked = call.box_xyxy && !(isOneOfMany && verdict === "vt-receiver") ? [{box: call.box_xyxy, kind: verdict, text: `${called(call)} → ${inBrief(call)}`}] : [];
  const given = patches(call.arguments).map((patch) => ({box: patch.box_xyxy, kind: "vt-receiver", text: titled(patch)}));
  return [...asked, ...given, ...patches(call.result).map(found)];
}

function ofAnswer(shown) {
  let counted = 0;
  return shown.slice(0, MOST.boxes).map((patch) => {
    const [kind, means] = (Object.hasOwn(ROLES, patch.evidence ?? "") && ROLES[patch.evidence]) || [];
    if (!kind) return {...found(patch), role: "none"};
    const number = patch.evidence === "answer" ? String(++counted) : "";
    const text = `${number ? `${number}. ` : ""}${titled(patch)}: ${means}`;
    return {box: patch.box_xyxy, kind, number, text, caption: patch.evidence === "rejected" ? "" : caption(patch), role: patch.evidence};
  });
}

function found(patch) {
  return {box: patch.box_xyxy, kind: "vt-found", text: titled(patch), caption: caption(patch)};
}

function caption(patch) {
  return patch.category === "image" ? "" : `${short(patch.category, 24)} ${patch.score.toFixed(2)}`;
}

function titled(patch) {
  return `${short(patch.category, 100)}${patch.category === "image" ? "" : ` ${patch.score.toFixed(2)}`}`;
}
