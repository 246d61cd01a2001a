/** The form that separates the selection again: how many speak, by what, how well; progress and a way to stop it. */
function againForm(model, { ask, close }, signal) {
  const choice = (label, options) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", label);
    select.title = label;
    for (const [text, value] of options) select.add(new Option(text, value));
    return select;
  };
  const people = choice("How many speak in the selection", [
    ["any number speak", ""],
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((count) => [count === 1 ? "1 speaks" : `${count} speak`, String(count)]),
  ]);
  const separator = choice("Separator of the selection", [
    ["same separator", ""],
    ...(model.get("separators") ?? []).map((name) => [name, name]),
  ]);
  const quality = choice("Quality of the selection", [
    ["same quality", ""],
    ...["fast", "balanced", "best"].map((name) => [name, name]),
  ]);
  const go = button("Separate", "Separate the selection again, as chosen", () => ask("reseparate", {
    speakers: people.value ? Number(people.value) : null,
    separator: separator.value || null,
    quality: quality.value || null,
  }), signal);
  const cancel = button("Cancel", "Stop separating again", () => ask("cancel"), signal);
  const progress = document.createElement("progress");
  progress.setAttribute("aria-label", "Separating again");
  const form = box("bar again", people, separator, quality, go, progress, cancel);
  form.setAttribute("role", "group");
  form.setAttribute("aria-label", "Separate the selection again");
  form.hidden = true;
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    form.hidden = true;
    close();
  }, { signal });

  return {
    form,
    /** Show the form, or what runs; hide it again. */
    toggle() {
      form.hidden = !form.hidden;
      if (!form.hidden) (go.disabled ? cancel : people).focus();
      else close();
    },
    /** As Python says. */
    update() {
      const { stage, done } = model.get("separating") ?? {};
      const busy = stage !== undefined;
      const had = form.contains(form.getRootNode().activeElement);
      if (busy) form.hidden = false;
      else if (go.disabled) {
        form.hidden = true;
        if (had) close();
      }
      for (const control of [people, separator, quality, go]) control.disabled = busy;
      cancel.hidden = progress.hidden = !busy;
      progress.value = done ?? 0;
      progress.title = stage ?? "";
      if (busy && had) cancel.focus();
    },
  };
}
