/**
 * Comments of those who read a page, at a time of the recording or about all of it.
 *
 * Python: `data.comments` is `[{id, author, text, at_s, made_at, removable}]`, `data.can.comment` whether one may write;
 * the questions are "comment" {text, at_s} and "uncomment" {comment}, both with a key.
 *
 * @param {{model: any, outbox: Outbox, signal: AbortSignal, now?: () => number, seek?: (at: number) => void}} on
 *   `now` is where the playhead is, `seek` goes to a comment's time; without them comments have no time
 * @returns {HTMLElement}
 */
function commentsPart({ model, outbox, signal, now, seek }) {
  const root = make("section", { className: "comments" });
  root.setAttribute("aria-label", "Comments");
  const heading = make("h2");
  const list = make("ul");
  const word = make("p", { className: "word quiet" });
  word.setAttribute("role", "status");
  const text = make("textarea", { rows: 2, maxLength: 2000, required: true });
  text.setAttribute("aria-label", "Your comment");
  const timed = make("input", { type: "checkbox" });
  const timedWords = make("span");
  const post = make("button", { type: "submit", textContent: "Comment" });
  const label = make("label", { className: "quiet", hidden: !now }, timed, " ", timedWords);
  const form = make("form", {}, text, make("div", { className: "bar" }, post, label));
  root.append(heading, list, form, word);

  const say = (words, bad = false) => {
    word.textContent = words;
    word.classList.toggle("bad", bad);
  };

  function entry({ id, author, text: words, at_s: at, made_at: made, removable }, waits) {
    const head = make("div", { className: "quiet" }, make("strong", { textContent: author || "A reader" }), " ");
    if (at !== null && at !== undefined) {
      head.append(seek ? button(clock(at), `Go to ${clock(at)}`, () => seek(at), signal) : `at ${clock(at)}`, " ");
    }
    head.append(waits ? "not confirmed yet" : new Date(made).toLocaleString());
    if (removable && !waits) {
      const remove = button("Remove", `Remove the comment “${words.slice(0, 40)}”`, () => {
        remove.disabled = true;
        outbox.send("uncomment", { comment: id });
      }, signal);
      head.append(" ", remove);
    }
    const line = make("li", {}, head, make("p", { textContent: words }));
    line.classList.toggle("waits", Boolean(waits));
    return line;
  }

  /** What an answer said, until the page has it, too. @type {any[] | null} */
  let latest = null;
  function show() {
    const { can = {}, reader, ...data } = model.get("data");
    const comments = latest ?? data.comments ?? [];
    const waiting = outbox.waiting();
    const gone = new Set(waiting.filter(({ what }) => what === "uncomment").map(({ fields }) => fields.comment));
    const there = comments.filter(({ id }) => !gone.has(id));
    // One that has arrived, though its answer was lost, is not shown twice.
    const same = (fields) => there.some((each) => each.author === reader && each.text === fields.text && each.at_s === fields.at_s);
    const mine = waiting.filter(({ what, fields }) => what === "comment" && !same(fields)).map(({ fields }) => ({ ...fields, author: reader }));
    heading.textContent = `Comments (${there.length + mine.length})`;
    const key = JSON.stringify([there, mine]);
    if (list.dataset.shown !== key) { // focus in the list survives what changes nothing
      list.dataset.shown = key;
      list.replaceChildren(...there.map((each) => entry(each, false)), ...mine.map((each) => entry(each, true)));
    }
    form.hidden = !can.comment;
    root.hidden = !can.comment && !comments.length;
  }

  const tick = () => (timedWords.textContent = now ? `at ${clock(now())}` : "");
  for (const element of [text, timed]) element.addEventListener("focus", tick, { signal });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    event.stopPropagation(); // players and Jupyter have meanings of their own for most keys
  }, { signal });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    outbox.send("comment", { text: text.value.trim(), at_s: now && timed.checked ? now() : null });
    text.value = "";
    say("");
  }, { signal });
  outbox.addEventListener("change", show, { signal });
  outbox.addEventListener("sent", ({ detail: { item, data } }) => {
    if (!["comment", "uncomment"].includes(item.what) || !data.comments) return;
    latest = data.comments;
    show();
  }, { signal });
  outbox.addEventListener("refused", ({ detail: { item, error } }) => {
    if (!["comment", "uncomment"].includes(item.what)) return;
    if (item.what === "comment" && !text.value) text.value = item.fields.text;
    say([error.message, error.hint].filter(Boolean).join(" — "), true);
    show();
  }, { signal });
  const changed = () => {
    latest = null;
    show();
  };
  model.on("change:data", changed);
  signal.addEventListener("abort", () => model.off("change:data", changed));
  tick();
  show();
  return root;
}
