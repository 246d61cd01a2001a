// How a recording is to be separated: a dialog with the parameters that matter.

/** @returns {Promise<object | null>} parameters of the batch notebook, or null where somebody thought better of it */
export async function askHow({ lab, trans, settings, server }, paths) {
  const { Dialog, showDialog } = lab.apputils;
  const field = (title, control) => {
    const label = document.createElement("label");
    label.append(title, control);
    return label;
  };
  const choice = (name, options, value) => {
    const select = document.createElement("select");
    select.name = name;
    for (const [each, words] of options) select.add(new Option(words, each));
    select.value = value;
    return select;
  };
  const people = document.createElement("input");
  Object.assign(people, { type: "number", name: "speakers", min: "0", max: "20", value: "0" });
  const quality = choice("quality", [["fast", trans.__("Fast")], ["balanced", trans.__("Balanced")], ["best", trans.__("Best")]], settings.quality);
  const clean = choice("clean", [["", trans.__("None")], ["advised", trans.__("As the diagnosis advises")]], "");
  const { separators, formats } = await server.ask("choices");
  const named = (names) => names.map((each) => [each, each]);
  const separator = choice("separator", named(separators), "speaksep");
  const format = choice("format", named(formats), "flac");

  const node = document.createElement("div");
  node.className = "speaksep-form";
  node.append(
    field(trans.__("How many people speak (0: find out)"), people),
    field(trans.__("Quality"), quality),
    field(trans.__("Cleaning before it"), clean),
    field(trans.__("Separator"), separator),
    field(trans.__("Format of the tracks"), format),
  );
  class Body extends lab.widgets.Widget {
    getValue() {
      const speakers = Math.max(0, Math.min(20, Math.round(Number(people.value) || 0)));
      return { speakers, quality: quality.value, clean: clean.value, separator: separator.value, format: format.value };
    }
  }
  const name = paths[0].split("/").pop();
  const title = paths.length === 1 ? trans.__("Separate %1", name) : trans.__("Separate %1 recordings", paths.length);
  const { button, value } = await showDialog({
    title,
    body: new Body({ node }),
    buttons: [Dialog.cancelButton({ label: trans.__("Cancel") }), Dialog.okButton({ label: trans.__("Separate") })],
    focusNodeSelector: "input",
  });
  return button.accept ? value : null;
}
