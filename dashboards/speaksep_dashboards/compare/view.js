/** Two separations of one recording: heard blind first, then told and measured. See page.py. */
const TAKES = { a: "A", b: "B" };

function render({ model, el }) {
  const controller = new AbortController();
  const { signal } = controller;
  const word = box("word quiet");
  word.setAttribute("role", "status");
  const asker = new Asker(model, {
    signal,
    timeoutMs: 30000,
    onLive: (live) => (word.textContent = live ? "" : "No answer at the moment: what is seen here is what was there last."),
  });
  const outbox = new Outbox(model, asker, signal);
  const slots = new Slots(signal);
  const root = box("speaksep page compare-view");
  const title = make("h1");
  const facts = make("p", { className: "quiet" });
  const cards = box("cards");
  const comments = commentsPart({ model, outbox, signal });
  root.append(title, facts, word, outboxLine(outbox, signal), cards);
  el.append(root);

  const listening = blindListening({ model, asker, outbox, signal });
  const listeningCard = card("Listen blind and vote", "", listening.root);

  function waiting({ missing }) {
    return missing.map((job, k) => slots.get(`missing ${k}`, job, () => {
      if (job.error) return errorCard("One of the two could not be made", { error: job.error, hint: "" });
      const progress = make("progress", { max: 1, value: job.fraction });
      progress.setAttribute("aria-label", "How much of it is done");
      const words = job.state === "queued" ? "It waits for its turn." : `It is ${job.state}${job.stage ? `: ${job.stage}` : ""}.`;
      return card("One of the two is not finished", "", make("p", { textContent: `${words} This page changes by itself.` }), progress);
    }));
  }

  /** How a take was made, in a few words. */
  const madeBy = ({ separator, version, quality, cleaning, corrections, used }) => [
    `${separator} ${version}`, quality && `quality ${quality}`, cleaning.length && `cleaned (${cleaning.join(", ")})`,
    corrections && `${corrections} correction${corrections > 1 ? "s" : ""}`, !used && "nothing overlapped",
  ].filter(Boolean).join(", ");
  const link = (href, text) => make("a", { href: (model.get("address") ?? "") + href, textContent: text });

  function takesCard({ takes }) {
    const rows = [
      ["Made by", madeBy(takes.a), madeBy(takes.b)],
      ["Speakers", String(takes.a.speakers.length), String(takes.b.speakers.length)],
      ["Took", lasts(takes.a.seconds), lasts(takes.b.seconds)],
      ["All of it", link(takes.a.opens, "open A"), link(takes.b.opens, "open B")],
    ];
    return card("The two", "half", tableOf("How they were made", ["", "A", "B"].map((each) => each || "What"), rows));
  }

  function votesCard({ items, can, result: { mine, tally } }) {
    const count = mine.a + mine.b + mine.same;
    const parts = (of) => [
      { words: "for A", count: of.a, kind: "busy" }, { words: "no difference", count: of.same, kind: "waiting" },
      { words: "for B", count: of.b, kind: "left" },
    ];
    const shown = [];
    if (can.vote) {
      shown.push(make("h3", { textContent: "Yours" }), count ? partsBar("Your votes", parts(mine)) : make("p", { className: "quiet", textContent: "You have not voted." }));
    }
    if (tally) {
      shown.push(make("h3", { textContent: `Everybody's: ${tally.readers} ${tally.readers === 1 ? "reader" : "readers"}` }));
      shown.push(partsBar("All votes", parts(tally.sum)));
      if (tally.p !== null) {
        shown.push(make("p", { className: "quiet", textContent: `If nobody could tell them apart, votes would be at least this uneven in ${percent(tally.p)} of such listenings (sign test).` }));
      }
      const rows = [...items].sort((one, other) => one.start_s - other.start_s).map(({ id, speaker, start_s: start }) => {
        const { a, b, same } = tally.items[id];
        return [`${speaker} at ${clock(start)}`, String(a), String(same), String(b)];
      });
      if (rows.length) shown.push(tableOf("Votes by excerpt", ["Excerpt", "A#", "No difference#", "B#"], rows));
    }
    return shown.length ? card("Votes", "half", ...shown) : null;
  }

  function scoresCard({ result: { scores, scores_word: why, pairs, takes } }) {
    if (!scores) {
      const words = why ? `They could not be measured: ${why}.` : "They are being measured; this page changes by itself.";
      return card("Scores", "", make("p", { className: "quiet", textContent: words }));
    }
    const name = (side, label) => takes[side].speakers.find((each) => each.label === label)?.name ?? "–";
    const db = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)} dB`);
    const mos = (value) => (value === null || value === undefined ? "–" : value.toFixed(2));
    const heads = ["In A", "In B", "SI-SDR between them#", "DNSMOS A#", "DNSMOS B#"];
    if (scores.truth) heads.push("SI-SDR A#", "SI-SDR B#", "Gain A#", "Gain B#");
    const rows = pairs.map(([a, b], k) => {
      const row = [name("a", a), name("b", b), db(scores.between_db[k]), mos(scores.mos.a[a]), mos(scores.mos.b[b])];
      if (!scores.truth) return row;
      const [first, second] = [scores.truth.a[a], scores.truth.b[b]];
      return [...row, db(first?.si_sdr_db), db(second?.si_sdr_db), db(first?.improvement_db), db(second?.improvement_db)];
    });
    return card("Scores", "",
      make("p", { className: "quiet", textContent:
        "SI-SDR between them: how alike the two tracks of a speaker are; 30 dB and more sounds the same. DNSMOS: how good listeners would find it, 1 to 5, guessed by a network." +
        (scores.truth ? " SI-SDR and its gain over the recording: against each speaker alone." : "") }),
      rows.length ? tableOf("Scores by speaker", heads, rows) : make("p", { textContent: "Neither found anybody who speaks." }));
  }

  function turnsCard({ recording, result: { turns, pairs, takes, differences, differ_s: differ, spoken_s: spoken } }) {
    const number = (label) => (label ? Number(label.split("_")[1]) : null);
    const nameOf = (speaker) => {
      const [side, label] = speaker > 0 ? ["a", `speaker_${speaker}`] : ["b", `speaker_${-speaker}`];
      return (takes[side].speakers.find((each) => each.label === label)?.name ?? label) + (speaker > 0 ? "" : " (only in B)");
    };
    const share = spoken ? differ / spoken : 0;
    /** A row of turns: each lane is `[class, [[start, stop], …]]`. */
    const rowOf = (name, ...lanes) => {
      const space = "http://www.w3.org/2000/svg";
      const svg = document.createElementNS(space, "svg");
      svg.setAttribute("viewBox", `0 0 1000 ${10 * lanes.length}`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("role", "img");
      const lasted = (spans) => lasting(spans.reduce((sum, [start, stop]) => sum + stop - start, 0));
      const words = lanes.map(([kind, spans]) => `${{ "of-a": "A: ", "of-b": "B: ", differs: "" }[kind]}${lasted(spans)} in ${spans.length} pieces`);
      svg.setAttribute("aria-label", `${name}: ${words.join("; ")}`);
      lanes.forEach(([kind, spans], k) => {
        for (const [start, stop] of spans) {
          const rect = document.createElementNS(space, "rect");
          const [x, end] = [start, stop].map((at) => (1000 * at) / recording.seconds);
          const values = { x, y: 10 * k + 1, width: Math.max(1, end - x), height: 8, class: kind };
          for (const [key, value] of Object.entries(values)) rect.setAttribute(key, String(value));
          svg.append(rect);
        }
      });
      return box("turn-row", make("span", { textContent: name }), svg);
    };
    const spansOf = (side, label) => turns[side].filter(([, , speaker]) => speaker === number(label));
    const drawn = pairs.map(([a, b]) => {
      const name = nameOf(a ? number(a) : -number(b));
      return rowOf(name, ["of-a", a ? spansOf("a", a) : []], ["of-b", b ? spansOf("b", b) : []]);
    });
    if (differences.length) drawn.push(rowOf("They differ", ["differs", differences]));
    const axis = box("axis", make("span", { textContent: "0:00" }), make("span", { textContent: clock(recording.seconds, 0) }));
    axis.setAttribute("aria-hidden", "true");
    const names = (speakers) => speakers.map(nameOf).join(" and ") || "nobody";
    const rows = differences.map(([start, stop, a, b]) => [`${clock(start)} – ${clock(stop)}`, names(a), names(b)]);
    return card("Who speaks when", "",
      make("p", { textContent: `They say different things for ${lasting(differ)} of ${lasting(spoken)} in which anybody speaks (${percent(share)}).` }),
      ...drawn, box("turn-row", make("span"), axis),
      make("p", { className: "quiet", textContent: "A above, in blue; B below, in purple." }),
      rows.length ? folded("Where they differ most, as a table", () => tableOf("Longest differences", ["When", "A says", "B says"], rows)) : "");
  }

  function show() {
    const data = model.get("data");
    title.textContent = data.title;
    facts.textContent = data.recording ? `${data.recording.name}, ${lasting(data.recording.seconds)}` : "";
    const { result, told, can, items } = data;
    listening.show();
    listeningCard.querySelector("h2").textContent = told ? "Listen" : "Listen blind and vote";
    const blind = !told && items.length && slots.get("blind", 1, () => make("p", { className: "card quiet",
      textContent: "Which separator made what, scores and the votes of others are shown once you have voted, or want them shown." }));
    const nobody = told && !items.length && data.ready && slots.get("nobody", 1, () => card("Nothing to listen to", "", make("p", {
      textContent: "Nobody speaks in this recording, or the two have no speaker in common." })));
    const anonymous = !can.vote && items.length && slots.get("anonymous", 1, () => make("p", { className: "card quiet",
      textContent: "Votes are by name: sign in to vote. You hear and see everything without." }));
    arrange(cards, [
      ...(data.ready ? [] : waiting(data)),
      anonymous, items.length && listeningCard, blind, nobody,
      result && slots.get("takes", result.takes, () => takesCard(result)),
      result && slots.get("votes", [result.mine, result.tally, can.vote], () => votesCard(data)),
      result && slots.get("scores", [result.scores, result.scores_word], () => scoresCard(data)),
      result && slots.get("turns", [result.turns, result.differences], () => turnsCard(data)),
      comments,
    ]);
  }
  model.on("change:data", show);
  outbox.addEventListener("change", listening.show, { signal });
  show();
  return () => {
    model.off("change:data", show);
    controller.abort();
    root.remove();
  };
}

export default { render };
