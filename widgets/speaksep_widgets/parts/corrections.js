/**
 * The corrections and their toolbar: each asks Python, which makes it or says why not.
 *
 * @param {{asker: Asker, view: View, transport: Transport, say: (text: string, bad?: boolean) => void,
 *   speaker: () => number | null, speakers: () => {label: string, number: number}[], nameOf: (lane: string) => string,
 *   corrected: () => void, close: () => void}} on
 *   `speaker` is the number of the current lane, `corrected` is told that Python has answered
 * @param {AbortSignal} signal
 */
function corrections(model, { asker, view, transport, say, speaker, speakers, nameOf, corrected, close }, signal) {
  const ask = async (what, fields = {}) => {
    try {
      const { data } = await asker.ask(what, fields);
      say(data.word ?? model.get("word"));
    } catch (error) {
      say(`${error.message}. ${error.hint ?? ""}`, true);
    }
  };
  const correct = async (edit) => {
    await ask("edit", { edit });
    corrected();
  };
  const span = () => (view.selection ? { start_s: view.selection[0], end_s: view.selection[1] } : null);
  const needSpan = (act) => () => (span() ? act(span()) : say("Select a stretch first: drag over it, or use [ and ].", true));
  const needSpeaker = (act) => () =>
    speaker() === null ? say("Choose a speaker's lane first (up and down arrows).", true) : act(speaker());
  const acts = {
    correct,
    cut: needSpeaker((number) => correct({ op: "split", speaker: number, at_s: transport.now() })),
    voices: needSpeaker((number) => correct({ op: "split", speaker: number, parts: 2 })),
    noise: needSpan((where) => correct({ op: "noise", ...where, speaker: speaker() })),
    reassign: (to) => needSpan((where) => correct({ op: "reassign", ...where, speaker: speaker(), to }))(),
    merge: (into) => needSpeaker((number) =>
      into === number ? say("That is the same speaker.", true) : correct({ op: "merge", speakers: [number], into }))(),
    undo: () => ask("undo"),
    redo: () => ask("redo"),
    again: () => again.toggle(),
  };
  const again = againForm(model, {
    ask: (what, choices = {}) => what === "cancel" ? ask(what) : needSpan((where) => ask(what, { ...where, ...choices }))(),
    close,
  }, signal);

  const undo = button("↶", "Undo (Ctrl+Z)", acts.undo, signal);
  const redo = button("↷", "Redo (Ctrl+Y)", acts.redo, signal);
  const merge = menu("Merge into…", "Merge this speaker into another", (value) => acts.merge(Number(value)));
  const give = menu("Selection to…", "Give the selection to another speaker (1 to 9)", (value) =>
    acts.reassign(value === "new" ? "new" : Number(value)));
  const tools = box(
    "bar", undo, redo,
    button("Split here", "Split this speaker at the playhead (C)", acts.cut, signal),
    button("Split by voice", "Split this speaker into two voices (V)", acts.voices, signal),
    merge, give,
    button("Noise", "The selection is nobody's speech (N)", acts.noise, signal),
    button("Separate again…", "Separate the selection again with other settings (R)", acts.again, signal),
  );
  tools.setAttribute("role", "toolbar");
  tools.setAttribute("aria-label", "Corrections");

  function menu(title, label, act) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    select.title = label;
    select.dataset.title = title;
    select.addEventListener("change", () => {
      const { value } = select;
      select.selectedIndex = 0;
      if (value) act(value);
    }, { signal });
    return select;
  }

  function fill(select, more = []) {
    select.replaceChildren(new Option(select.dataset.title, ""));
    for (const { label, number } of speakers()) select.add(new Option(nameOf(label), String(number)));
    for (const [text, value] of more) select.add(new Option(text, value));
  }

  return {
    tools, again, acts, merge,
    /** The speakers there are now. */
    list() {
      fill(merge);
      fill(give, [["someone new", "new"]]);
    },
    /** What can be undone. */
    update() {
      const log = model.get("edit_log") ?? {};
      undo.disabled = !(log.position > 0);
      redo.disabled = !((log.edits?.length ?? 0) > (log.position ?? 0));
    },
  };
}
