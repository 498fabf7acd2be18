"use strict";
// Reads the API's document and makes a form of every operation. Everything is put into the page as text, so nothing that
// the document or an answer says can become a part of the page. The token is kept in this variable and nowhere else.
let token = "";
let api;
const base = location.pathname.replace(/\/docs\/?$/, "");
const $ = (id) => document.getElementById(id);

function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== ""));
  return element;
}

// Of Markdown what the document uses: `code`, **bold**, lists, paragraphs.
const inline = (text) => text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) =>
  part.startsWith("`") ? el("code", {}, part.slice(1, -1)) : part.startsWith("**") ? el("strong", {}, part.slice(2, -2)) : part);
const prose = (text) => (text || "").trim().split(/\n\s*\n/).map((paragraph) => el("p", {}, inline(paragraph)));

function resolve(thing) {
  for (let hops = 0; thing && thing.$ref && hops < 10; hops++) {
    const { $ref, ...rest } = thing;
    thing = { ...$ref.slice(2).split("/").reduce((at, key) => at[key.replace(/~1/g, "/").replace(/~0/g, "~")], api), ...rest };
  }
  return thing || {};
}

function kind(schema) {
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return [...new Set(choices.map((choice) => kind(resolve(choice))))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const type = [].concat(schema.type || "anything").join(" or ");
  return schema.items ? `${type} of ${kind(resolve(schema.items))}` : type;
}

const limits = (schema) => [
  schema.minLength && `at least ${schema.minLength} characters`, schema.maxLength && `at most ${schema.maxLength} characters`,
  schema.minimum !== undefined && `from ${schema.minimum}`, schema.maximum !== undefined && `to ${schema.maximum}`,
  schema.maxItems && `at most ${schema.maxItems}`, schema.default !== undefined && `${JSON.stringify(schema.default)} if absent`,
].filter(Boolean).join(", ");

function fields(schema, depth = 0) {
  schema = resolve(schema);
  for (const part of schema.allOf || []) {
    const { properties, required, ...rest } = resolve(part);
    schema = { ...rest, ...schema, properties: { ...properties, ...schema.properties }, required: required || [] };
  }
  if (schema.anyOf) return schema.anyOf.flatMap((choice) => fields(choice, depth));
  if (schema.items) return fields(schema.items, depth);
  if (!schema.properties || depth > 4) return [];
  return [el("ul", {}, Object.entries(schema.properties).map(([name, property]) => {
    const known = resolve(property);
    const needed = (schema.required || []).includes(name) ? "" : ", optional";
    const details = [limits(known), known.description].filter(Boolean).join(". ");
    return el("li", {}, el("code", {}, name), el("span", { class: "soft" }, ` ${kind(known)}${needed} `), inline(details), fields(known, depth + 1));
  }))];
}

function sample(schema) {
  schema = resolve(schema);
  if (schema.examples) return schema.examples[0];
  for (const value of [schema.example, schema.const, schema.default, schema.enum && schema.enum[0]]) if (value !== undefined) return value;
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return sample(choices[0]);
  const type = [].concat(schema.type)[0];
  if (type === "object") return Object.fromEntries((schema.required || []).map((name) => [name, sample(schema.properties[name])]));
  if (type === "array") return [];
  if (type === "integer" || type === "number") return schema.minimum || 1;
  if (type === "boolean") return false;
  return "text";
}

let fresh = 0;
function input(parameter) {
  const schema = resolve(parameter.schema);
  const id = `f${++fresh}`;
  const attributes = { id, name: parameter.name, "data-in": parameter.in, required: parameter.required && "", autocomplete: "off", "aria-describedby": `${id}d` };
  const values = schema.enum || (schema.oneOf && schema.oneOf.map((choice) => choice.const));
  const control = values
    ? el("select", attributes, [parameter.required ? [] : [""], values].flat().map((value) => el("option", {}, value)))
    : el("input", { ...attributes, value: parameter.example, placeholder: schema.examples ? schema.examples[0] : schema.default });
  const where = parameter.in === "header" ? " (header)" : "";
  return el("div", {}, el("label", { for: id }, el("code", {}, parameter.name), el("span", { class: "soft" }, where + (parameter.required ? ", required" : "")), control),
    el("div", { id: `${id}d`, class: "soft" }, inline(parameter.description || "")));
}

async function send(event, method, path, answer) {
  event.preventDefault();
  const form = event.target;
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const control of form.querySelectorAll("[data-in]")) {
    if (control.value === "") continue;
    if (control.dataset.in === "path") address = address.replace(`{${control.name}}`, encodeURIComponent(control.value));
    else if (control.dataset.in === "query") query.append(control.name, control.value);
    else headers[control.name] = control.value;
  }
  if (query.size) address += `?${query}`;
  if (token) headers.Authorization = `Bearer ${token}`;
  const text = form.querySelector("textarea");
  const request = { method: method.toUpperCase(), headers, redirect: "follow", credentials: "omit", cache: "no-store" };
  if (text && text.value.trim()) {
    headers["Content-Type"] = "application/json";
    request.body = text.value;
  }
  answer.replaceChildren(el("p", { class: "soft" }, "Waiting ..."));
  try {
    const started = performance.now();
    const response = await fetch(base + address, request);
    const body = await response.text();
    let shown = body;
    try { shown = JSON.stringify(JSON.parse(body), null, 2); } catch { /* Not JSON: as it is. */ }
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    answer.replaceChildren(
      el("h3", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`),
      el("p", { class: "soft" }, `${request.method} ${base}${address}, ${Math.round(performance.now() - started)} ms`),
      el("details", {}, el("summary", {}, "Headers"), el("pre", {}, lines)),
      shown ? el("pre", { tabindex: "0", "aria-label": "Body" }, shown) : el("p", { class: "soft" }, "No body."));
  } catch (error) {
    answer.replaceChildren(el("p", { class: "bad" }, `Nothing came back: ${error.message}`));
  }
}

function operation(method, path, described) {
  const fill = (event) => {
    const details = event.target;
    if (!details.open || details.dataset.filled) return;
    details.dataset.filled = "yes";
    const answer = el("div", { "aria-live": "polite" });
    const parameters = (described.parameters || []).map(resolve);
    const first = parameters.filter((parameter) => parameter.in !== "header" || parameter.required);
    const others = parameters.filter((parameter) => !first.includes(parameter));
    const media = described.requestBody && Object.values(described.requestBody.content)[0];
    const id = `f${++fresh}`;
    details.append(
      ...prose(described.description),
      el("form", { onsubmit: (submitted) => send(submitted, method, path, answer) },
        el("div", { class: "row" }, first.map(input)),
        media ? [el("label", { for: id }, "Body (JSON)", el("textarea", { id, spellcheck: "false" }, JSON.stringify(sample(media.schema), null, 2))),
          el("details", {}, el("summary", {}, "Fields of the body"), fields(media.schema))] : [],
        others.length ? el("details", {}, el("summary", {}, "Headers"), others.map(input)) : "",
        el("button", {}, "Send")),
      answer,
      el("h3", {}, "Answers"),
      ...Object.entries(described.responses).map(([status, response]) => {
        response = resolve(response);
        const shown = Object.values(response.content || {}).flatMap((content) => fields(content.schema || {}));
        return el("details", {}, el("summary", {}, el("strong", {}, status), " ", inline(response.description.split("\n\n").join(" "))),
          shown, el("p", { class: "soft" }, `Headers: ${Object.keys(response.headers || {}).join(", ")}`));
      }));
  };
  const locked = (described.security || []).every((choice) => choice.bearer);
  return el("details", { id: described.operationId, "data-text": `${method} ${path} ${described.summary}`.toLowerCase(), ontoggle: fill },
    el("summary", {}, el("span", { class: `method ${method}` }, method.toUpperCase()), el("span", { class: "path" }, path),
      el("span", { class: "soft" }, described.summary + (locked ? " (signed in)" : ""))));
}

function show(document_) {
  api = document_;
  document.title = `${api.info.title} API`;
  $("about").replaceChildren(...prose(api.info.description));
  $("operations").replaceChildren(...api.tags.map((tag) => {
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).filter(([, described]) => described.tags.includes(tag.name)).map(([method, described]) => operation(method, path, described)));
    return el("section", {}, el("h2", {}, tag.name), ...prose(tag.description), operations);
  }));
  const named = location.hash && $(location.hash.slice(1));
  if (named) {
    named.open = true;
    named.scrollIntoView();
  }
}

$("filter").addEventListener("input", ({ target }) => {
  const words = target.value.toLowerCase().split(/\s+/);
  for (const details of document.querySelectorAll("[data-text]")) details.hidden = !words.every((word) => details.dataset.text.includes(word));
  for (const section of document.querySelectorAll("#operations section")) section.hidden = !section.querySelector("[data-text]:not([hidden])");
});

function signedIn(value, said, good) {
  token = value;
  $("who").className = good ? "good" : "bad";
  $("who").textContent = said;
}

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [login, password] = [$("login"), $("password")];
  try {
    const body = JSON.stringify({ login: login.value, password: password.value });
    const response = await fetch(`${base}/sessions`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const answer = await response.json();
    password.value = "";
    if (response.ok) signedIn(answer.access_token, `Requests are sent as ${login.value}.`, true);
    else signedIn("", answer.detail, false);
  } catch (error) {
    signedIn("", `Nothing came back: ${error.message}`, false);
  }
});
$("token").addEventListener("input", ({ target }) => signedIn(target.value.trim(), target.value ? "Requests are sent with this token." : "", true));

fetch(`${base}/openapi.json`).then((response) => response.json()).then(show).catch((error) => {
  $("operations").replaceChildren(el("p", { class: "bad" }, `The document could not be read: ${error.message}`));
});
