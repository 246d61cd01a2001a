/**
 * Listening blind: one excerpt after the other, heard as X, as Y, and as it was recorded; the three run in step, so one
 * can go from one to another in the middle of a word.
 *
 * @param {{model: any, asker: Asker, outbox: Outbox, signal: AbortSignal}} with_
 */
function blindListening({ model, asker, outbox, signal }) {
  const LANES = ["x", "y", "mixture"];
  const CHOICES = [["x", "X is better", "1"], ["same", "No difference", "2"], ["y", "Y is better", "3"]];
  /** Lanes that are not heard are fetched all the same: going over to them is silent otherwise. */
  const UNHEARD = 1e-6;
  const where = make("p", { className: "where" });
  const question = make("p", { className: "quiet" });
  const bar = make("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", "Position in the excerpt");
  const word = make("p", { className: "word quiet" });
  word.setAttribute("role", "status");
  const root = box("listening");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Blind listening");

  let at = 0;
  let side = "x";
  /** @type {{id: string, transport: Transport, end: AbortController} | null} */
  let player = null;
  const items = () => model.get("data").items;
  const waiting = (id) => outbox.waiting().findLast(({ what, fields }) => what === "vote" && fields.item === id)?.fields.choice;
  /** Votes that were confirmed, until the page has them, too. @type {Map<string, string>} */
  const confirmed = new Map();
  const votedOn = (item) => waiting(item.id) ?? confirmed.get(item.id) ?? item.voted;
  const asked = () => outbox.waiting().some(({ what }) => what === "show");

  const hear = LANES.map((lane) => {
    const names = { x: ["▶ X", "Hear X (X)"], y: ["▶ Y", "Hear Y (Y)"], mixture: ["▶ As recorded", "Hear the recording (M)"] };
    return button(...names[lane], () => listen(lane), signal, { pressed: false });
  });
  const stop = button("❚❚", "Stop (Space)", () => player?.transport.pause(), signal);
  const vote = CHOICES.map(([choice, text, key]) => button(text, `${text} (${key})`, () => choose(choice), signal, { pressed: false }));
  const previous = button("‹", "Excerpt before (P)", () => go(at - 1), signal);
  const next = button("›", "Next excerpt (N)", () => go(at + 1), signal);
  const reveal = button("Show which is which", "Show which is which; votes stay as they are from then on", () => ask(), signal);
  const keys = new Keys(root, [
    { keys: ["x", "X"], words: "Hear X", act: () => listen("x") },
    { keys: ["y", "Y"], words: "Hear Y", act: () => listen("y") },
    { keys: ["m", "M"], words: "Hear the recording", act: () => listen("mixture") },
    { keys: ["Space"], words: "Play or stop", act: () => (player?.transport.playing ? player.transport.pause() : listen(side)) },
    { keys: ["1", "2", "3"], words: "Vote: X, no difference, Y", act: ({ key }) => choose(CHOICES[key - 1][0]) },
    { keys: ["n", "N", "p", "P"], words: "Next excerpt, the one before", act: ({ key }) => go(at + (key.toLowerCase() === "n" ? 1 : -1)) },
  ], signal);
  const votes = box("bar votes", ...vote);
  votes.setAttribute("role", "group");
  votes.setAttribute("aria-label", "Your vote");
  const sure = make("dialog", { className: "sure" });
  sure.setAttribute("aria-label", "Show which is which?");
  const sureWords = make("p");
  const yes = make("button", { type: "button", textContent: "Show it" });
  const no = make("button", { type: "button", textContent: "Go on listening" });
  yes.addEventListener("click", () => {
    sure.close();
    outbox.send("show", {});
  }, { signal });
  no.addEventListener("click", () => sure.close(), { signal });
  sure.append(sureWords, box("bar", yes, no));
  root.append(
    where, question, bar, box("bar", previous, ...hear, stop, next, button("?", "Keyboard shortcuts (?)", () => keys.help(), signal)),
    votes, word, box("bar", reveal), sure,
  );

  function open(item) {
    if (player?.id === item.id) return player.transport;
    player?.end.abort();
    const end = new AbortController();
    signal.addEventListener("abort", () => end.abort(), { signal: end.signal });
    const mine = { ask: (what, fields, sent) => asker.ask(what, { ...fields, item: item.id }, sent) };
    const { rate_hz: rateHz } = model.get("data").recording;
    const transport = new Transport(mine, { seconds: item.seconds, rateHz, lanes: LANES }, end.signal);
    transport.addEventListener("state", show, { signal });
    transport.addEventListener("error", ({ detail }) => say(`${detail.message}${detail.hint ? ` — ${detail.hint}` : ""}`, true), { signal });
    player = { id: item.id, transport, end };
    return transport;
  }

  function listen(lane) {
    const item = items()[at];
    if (!item) return;
    side = lane;
    const transport = open(item);
    transport.setVolumes(Object.fromEntries(LANES.map((each) => [each, each === lane ? 1 : UNHEARD])));
    say("");
    if (!transport.playing) transport.play();
    show();
  }

  function choose(choice) {
    const { items: all, told, can } = model.get("data");
    if (told || !can.vote || !all[at]) return;
    outbox.send("vote", { item: all[at].id, choice });
    const left = all.findIndex((item, k) => k !== at && !votedOn(item));
    if (left >= 0) go(all.findIndex((item, k) => k > at && !votedOn(item)) >= 0 ? all.findIndex((item, k) => k > at && !votedOn(item)) : left);
    else say("All excerpts have your vote. You may change your mind until you have shown which is which.");
  }

  function go(to) {
    const count = items().length;
    if (!count) return;
    player?.transport.pause();
    at = Math.min(Math.max(to, 0), count - 1);
    side = "x";
    say("");
    show();
  }

  function ask() {
    const left = items().filter((item) => !votedOn(item)).length;
    if (!left) return outbox.send("show", {});
    sureWords.textContent = `${left} of ${items().length} excerpts have no vote of yours yet. Once it is shown, they get none.`;
    return sure.showModal();
  }

  function say(words, bad = false) {
    word.textContent = words;
    word.classList.toggle("bad", bad);
  }

  function show() {
    const { items: all, told, can } = model.get("data");
    at = Math.min(at, Math.max(0, all.length - 1));
    const item = all[at];
    root.hidden = !item;
    if (!item) return;
    const letters = told ? { x: ` (${item.x.toUpperCase()})`, y: ` (${item.y.toUpperCase()})` } : { x: "", y: "" };
    const done = all.filter(votedOn).length;
    where.textContent = `Excerpt ${at + 1} of ${all.length}: ${item.speaker}${can.vote ? `. You voted on ${done}.` : ""}`;
    question.textContent = `Which is closer to ${item.speaker} alone, as if nobody else were there? ${told ? "" : "Both are equally loud; the letters change from excerpt to excerpt."}`;
    const playing = player?.id === item.id && player.transport.playing;
    LANES.forEach((lane, k) => {
      hear[k].setAttribute("aria-pressed", String(playing && side === lane));
      if (lane !== "mixture") {
        hear[k].textContent = `▶ ${lane.toUpperCase()}${letters[lane]}`;
        hear[k].setAttribute("aria-label", `Hear ${lane.toUpperCase()}${letters[lane]}`);
      }
    });
    stop.disabled = !playing;
    previous.disabled = at === 0;
    next.disabled = at === all.length - 1;
    const chosen = votedOn(item);
    CHOICES.forEach(([choice], k) => {
      vote[k].setAttribute("aria-pressed", String(chosen === choice));
      vote[k].disabled = told || asked();
    });
    votes.hidden = !can.vote;
    reveal.hidden = told || !can.vote;
    reveal.disabled = asked();
  }

  const changed = () => confirmed.clear();
  model.on("change:data", changed);
  signal.addEventListener("abort", () => model.off("change:data", changed));
  outbox.addEventListener("change", show, { signal });
  outbox.addEventListener("sent", ({ detail: { item } }) => {
    if (item.what !== "vote") return;
    confirmed.set(item.fields.item, item.fields.choice);
    show();
  }, { signal });
  outbox.addEventListener("refused", ({ detail: { item, error } }) => {
    if (["vote", "show"].includes(item.what)) say([error.message, error.hint].filter(Boolean).join(" — "), true);
    show();
  }, { signal });
  const tick = setInterval(() => {
    const item = items()[at];
    if (item && player?.id === item.id) bar.value = player.transport.now() / item.seconds;
    else bar.value = 0;
  }, 100);
  signal.addEventListener("abort", () => {
    clearInterval(tick);
    player?.end.abort();
  });
  return { root, show };
}
