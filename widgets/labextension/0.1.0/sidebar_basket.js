import { button, make } from "./elements.js";

/** Recordings that are to be done together. */
export function basketPart({ app, trans, jobs }) {
  const element = make("section", "", { "aria-label": trans.__("Batch") });
  const title = make("h2");
  const list = make("ul");
  const run = (verb) => () => app.commands.execute("speaksep:run-batch", { verb });
  const bar = make("div", "", { class: "speaksep-bar" });
  bar.append(
    button(trans.__("Diagnose"), trans.__("Diagnose the batch"), run("diagnose")),
    button(trans.__("Separate…"), trans.__("Separate the batch"), run("separate")),
    button(trans.__("Empty"), trans.__("Empty the batch"), () => jobs.drop()),
  );
  element.append(title, list, bar);
  let shown = "";
  const update = () => {
    const now = jobs.basket.join("\n");
    if (now === shown && !element.hidden === Boolean(now)) return; // the focus stays where it is
    shown = now;
    element.hidden = !jobs.basket.length;
    title.textContent = trans._n("Batch: %1 recording", "Batch: %1 recordings", jobs.basket.length);
    list.replaceChildren(
      ...jobs.basket.map((path) => {
        const row = make("li", "", { class: "speaksep-row" });
        const name = path.split("/").pop();
        row.append(make("span", name, { title: path, class: "speaksep-name" }));
        row.append(button("✕", trans.__("Take %1 out of the batch", name), () => jobs.drop(path)));
        return row;
      }),
    );
  };
  return { element, update };
}
