"use strict";
// Client of the HTTP API; it sends requests only to the server of this page.

class ApiError extends Error {
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

class Api {
  #token = "";

  use(token) {
    this.#token = token;
  }

  #headers(more = {}) {
    return this.#token ? {...more, Authorization: `Bearer ${this.#token}`} : more;
  }

  async #checked(reply) {
    if (reply.ok) return reply;
    let error = {kind: "internal", message: `The server answered with status ${reply.status}.`};
    try {
      error = (await reply.json()).error ?? error;
    } catch {
      // not JSON: only the status is known
    }
    const wait = reply.headers.get("Retry-After");
    const message = reply.status === 429 && wait ? `${error.message} (${wait} s)` : error.message;
    throw new ApiError(reply.status, error.kind, message);
  }

  async info() {
    return (await this.#checked(await fetch("/v1/info", {headers: this.#headers()}))).json();
  }

  // Questions that the models can answer; the first call loads the detector.
  async examples() {
    return (await this.#checked(await fetch("/v1/examples", {headers: this.#headers()}))).json();
  }

  async check(program) {
    const headers = this.#headers({"Content-Type": "application/json"});
    const reply = await fetch("/v1/check", {method: "POST", headers, body: JSON.stringify({program})});
    return (await this.#checked(reply)).json();
  }

  // Yields {name, data} of each event of /v1/ask or, with a program, /v1/run.
  async *answer({image, question, task, choices, bestEffort, program}, signal) {
    const form = new FormData();
    form.append("image", image.blob, image.name);
    if (question) form.append("question", question);
    form.append("task", task);
    form.append("best_effort", String(bestEffort));
    for (const choice of choices) form.append("choices", choice);
    if (program !== undefined) form.append("program", program);
    form.append("stream", "true");
    form.append("trace", "true");
    const path = program === undefined ? "/v1/ask" : "/v1/run";
    const reply = await this.#checked(await fetch(path, {method: "POST", headers: this.#headers(), body: form, signal}));
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (true) {
      const {value, done} = await reader.read();
      if (done) return;
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const event = {};
        for (const line of text.slice(0, end).split("\n")) {
          const colon = line.indexOf(": ");
          if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
        }
        if (event.event) yield {name: event.event, data: JSON.parse(event.data)};
      }
    }
  }
}
