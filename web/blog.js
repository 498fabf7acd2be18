// Lists the newest posts. What others wrote is only ever put in as text (textContent): nothing of it becomes HTML.
"use strict";

const state = document.getElementById("state");

/** An element with this text in it, if it has any. */
function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text ?? "";
  if (className) made.className = className;
  return made;
}

/** A list's item: title, summary, and who wrote it when. */
function item(post) {
  const link = element("a", post.title ?? post.summary ?? "Untitled");
  link.href = "/v1/posts/" + encodeURIComponent(post.slug);
  const title = element("h3");
  title.append(link);
  const made = element("li");
  made.append(title);
  if (post.title && post.summary) made.append(element("p", post.summary));
  const date = element("time", new Date(post.published_at).toLocaleDateString(document.documentElement.lang, { dateStyle: "long" }));
  date.dateTime = post.published_at;
  const byline = element("p", post.author.display_name + ", ", "soft");
  byline.append(date);
  made.append(byline);
  return made;
}

async function list() {
  const answer = await fetch("/v1/posts?limit=10", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error("status " + answer.status);
  const { items } = await answer.json();
  document.getElementById("posts").replaceChildren(...items.map(item));
  state.textContent = items.length ? "" : "There are none yet.";
}

list().catch(() => {
  state.textContent = "They cannot be read at the moment. Try again later.";
});
