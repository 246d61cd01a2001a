/** What a diagnosis says, and how the result was made. */
const SEVERITY = { error: "#d55e00", warning: "#e69f00", notice: "#56b4e9", info: "#999999" };
const WORDS = {
  bandwidth: "Bandwidth", "bandwidth-low": "Lowest frequency", channels: "Channels", clarity: "Clarity", clipping: "Clipping",
  codec: "Lossy coding", dc: "Constant offset", dnsmos: "Quality (DNSMOS)", dropouts: "Dropouts", "expected-gain": "Expected gain",
  handling: "Handling noise", hum: "Hum", level: "Level", "level-imbalance": "Uneven levels", loudness: "Loudness", music: "Music",
  noise: "Noise", "noise-floor": "Noise floor", "non-speech": "Other sounds", "overlap-pair": "Talking at once",
  "overlap-ratio": "Overlapped speech", peak: "Peak", "phantom-speakers": "Doubtful speakers", reverberation: "Reverberation",
  snr: "Signal to noise", "speaker-confidence": "Certainty of the number", "speaker-level": "Level of a speaker",
  speakers: "Speakers", "speech-ratio": "Share of speech", wind: "Wind",
};
const MOST_LINKS = 6;

/** A code of the diagnosis in words; unknown ones (of plugins) as they are. */
const called = (code) => WORDS[code] ?? code.replaceAll("-", " ").replace(/^./, (first) => first.toUpperCase());

/** A button that plays a stretch. */
function stretch(start, stop, listen, signal) {
  return button(`▶ ${clock(start)}`, `Listen from ${clock(start)} to ${clock(stop)}`, () => listen(start, stop), signal);
}

/** Buttons for the first stretches, and how many more there are. */
function stretches(spans, listen, signal) {
  const bar = box("bar", ...spans.slice(0, MOST_LINKS).map(([start, stop]) => stretch(start, stop, listen, signal)));
  if (spans.length > MOST_LINKS) bar.append(make("span", { className: "quiet", textContent: `and ${spans.length - MOST_LINKS} more` }));
  return spans.length ? bar : "";
}

/** What needs attention, worst first, and everything else that was measured. */
function findingsCard({ findings }, listen, signal) {
  const [shown, rest] = [findings.filter(({ severity }) => severity !== "info"), findings.filter(({ severity }) => severity === "info")];
  const list = make("ul", { className: "findings" });
  for (const { code, value, unit, severity, why, spans, advice, subject } of shown) {
    const head = make("div", {}, pill(severity, severity), " ", make("strong", { textContent: called(code) }));
    head.append([subject && ` · ${subject}`, value !== null && ` · ${measured(value, unit)}`].filter(Boolean).join(""));
    const item = make("li", { className: severity }, head, make("div", { textContent: why }));
    if (advice) item.append(make("div", { className: "quiet", textContent: advice }));
    item.append(stretches(spans, listen, signal));
    list.append(item);
  }
  const none = make("p", { textContent: "Nothing needs attention." });
  const table = () => tableOf("Everything else that was measured", ["What", "Value#", "In words"], rest.map(
    ({ code, value, unit, why, subject }) => [[called(code), subject].filter(Boolean).join(" · "), measured(value, unit), why],
  ));
  return card("What was found", "two-thirds", shown.length ? list : none, rest.length ? folded(`All measurements (${rest.length})`, table) : "");
}

/** The recording at a glance. */
function summaryCard({ diagnosis, speakers }) {
  const { recording, findings } = diagnosis;
  const wants = findings.filter(({ severity }) => severity === "error" || severity === "warning").length;
  const people = diagnosis.speakers === 1 ? "speaker" : "speakers";
  return card("At a glance", "third", figures([
    [String(speakers.length || diagnosis.speakers), diagnosis.speakers ? `${people}, ${percent(diagnosis.speaker_confidence)} sure` : "speakers"],
    [percent(diagnosis.speech_ratio), "of the time is speech"],
    [percent(diagnosis.overlap_ratio), "of that overlaps"],
    [clock(recording.seconds, 0), "length"],
    [String(wants), wants === 1 ? "warning" : "warnings"],
  ]));
}

/** Who speaks how much; how the names came, where there are any. */
function speakersCard({ speakers }) {
  const total = speakers.reduce((sum, { seconds }) => sum + seconds, 0);
  const by = { hand: "given by hand", voice: "by voice" };
  const named = speakers.some(({ name }) => name);
  const heads = ["Speaker", "Speaks#", "Share#", "Turns#", "Certainty#", ...(named ? ["Name"] : [])];
  const table = tableOf("Time, share and certainty of each speaker", heads, speakers.map(
    ({ label, name, colour, seconds, turns, confidence, named: how, score }) => {
      const dot = make("span", { className: "dot" });
      dot.style.setProperty("--lane", colour);
      const share = box("share", percent(total ? seconds / total : 0));
      share.style.setProperty("--lane", colour);
      share.style.setProperty("--share", String(total ? seconds / total : 0));
      const words = how ? `${by[how]}${how === "voice" && score !== null ? `, ${percent(score)}` : ""}` : "not known";
      return [
        make("span", { className: "who" }, dot, name || label.replace("speaker_", "Speaker ")),
        lasting(seconds), share, String(turns), percent(confidence), ...(named ? [words] : []),
      ];
    },
  ));
  return card("Who speaks", "half", table);
}

/** Who talks while whom: seconds in a square of pairs. */
function overlapsCard({ speakers, pairs, overlaps }, listen, signal) {
  if (!overlaps.length) return card("Who talks at once", "half", make("p", { textContent: "Nobody talks over anybody." }));
  const nameOf = ({ name, label }) => name || label.replace("speaker_", "Speaker ");
  const most = Math.max(...pairs.map(([, , seconds]) => seconds));
  const found = (a, b) => pairs.find(([x, y]) => (x === a && y === b) || (x === b && y === a));
  const rows = speakers.map((row) => [nameOf(row), ...speakers.map((column) => {
    const pair = row.number === column.number ? null : found(row.number, column.number);
    if (!pair) return row.number === column.number ? "·" : "–";
    const [a, b, seconds, times] = pair;
    const spans = overlaps.filter(([, , numbers]) => numbers.includes(a) && numbers.includes(b));
    const longest = spans.reduce((best, span) => (span[1] - span[0] > best[1] - best[0] ? span : best));
    const label = `${nameOf(row)} and ${nameOf(column)} talk at once ${times === 1 ? "once" : `${times} times`}, ${lasting(seconds)}: listen to the longest`;
    const cell = button(lasting(seconds), label, () => listen(longest[0], longest[1]), signal);
    cell.className = "heat";
    cell.style.setProperty("--heat", String(Math.round(8 + 34 * (seconds / most))));
    return cell;
  })]);
  const table = tableOf("Seconds in which two speak at once; a cell plays the longest stretch", ["With", ...speakers.map((each) => `${nameOf(each)}#`)], rows);
  table.classList.add("pairs");
  const list = () => tableOf("Stretches in which several people speak", ["From", "To", "Who", "Listen"], overlaps.slice(0, 500).map(
    ([start, stop, numbers]) => [
      clock(start, 2), clock(stop, 2),
      numbers.map((number) => nameOf(speakers.find((each) => each.number === number))).join(", "),
      stretch(start, stop, listen, signal),
    ],
  ));
  return card("Who talks at once", "half", table, folded(`All stretches (${overlaps.length})`, list));
}

/** What cleaning did, in figures and to hear. */
function cleaningCard({ cleaning }, { hear, transport }, signal) {
  const play = (lane) => () => {
    hear([lane]);
    return transport.playing ? undefined : transport.play();
  };
  const table = tableOf("Measured before and after cleaning", ["What", "Before#", "After#"], cleaning.figures.map(
    ({ code, before, after, unit }) => [called(code), measured(before, unit), measured(after, unit)],
  ));
  return card(
    "Before and after cleaning", "half",
    make("p", { textContent: `Steps: ${cleaning.steps.map(called).join(", ")}. What they took away is in the rest.` }),
    box("bar", button("▶ Before", "Hear the recording before cleaning", play("mixture"), signal), button("▶ After", "Hear the recording after cleaning", play("cleaned"), signal)),
    table,
  );
}

/** Where it comes from. */
function madeCard({ made, diagnosis, revision, finished_at: finished }) {
  const { recording } = diagnosis;
  const format = [recording.format, recording.subtype].filter(Boolean).join(" ");
  const pairs = [
    ["Recording", `${clock(recording.seconds)}, ${recording.rate_hz / 1000} kHz, ${recording.channels === 1 ? "1 channel" : `${recording.channels} channels`}, ${format}`],
    ["Made", finished ? new Date(finished).toLocaleString() : "–"],
  ];
  if (made) {
    pairs.push(
      ["Separated by", `${made.separator}${made.network ? "" : ", not needed here"}${made.parameters.quality ? `, ${made.parameters.quality}` : ""}`],
      ["Corrections by hand", made.corrections ? `${made.corrections} (revision ${revision})` : "none"],
      ["Computed in", lasting(made.compute_s)],
      ["SpeakSep", made.versions.speaksep ?? "–"],
      ["SHA-256 of the recording", made.sha256],
    );
  }
  const list = make("dl", { className: "facts" });
  for (const [name, value] of pairs) list.append(make("dt", { textContent: name }), make("dd", { textContent: value }));
  const reasons = () => make("ul", {}, ...made.reasons.map((text) => make("li", { textContent: text })));
  return card("How it was made", "half", list, made?.reasons.length ? folded("What was decided, and why", reasons) : "");
}

/** What may be taken away. */
function filesCard(files, address) {
  const list = make("ul", { className: "files" });
  for (const { name, bytes } of files) {
    const href = `${address}files/${name.split("/").map(encodeURIComponent).join("/")}`;
    list.append(make("li", {}, make("a", { href, download: name.split("/").at(-1), textContent: name }), make("span", { className: "quiet", textContent: ` ${sizeWords(bytes)}` })));
  }
  return card("Files to save", "half", list);
}
