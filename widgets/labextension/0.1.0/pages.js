// What came of jobs and batches, as tabs.
import { showPage } from "./mounting.js";

/** Registers the command that opens one: `speaksep:open-page` with `{of: "job" | "batch", name, title}`. */
export function addPages(context) {
  const { app, lab, trans, icon, jobs, restorer } = context;
  const { MainAreaWidget, WidgetTracker } = lab.apputils;
  const tracker = new WidgetTracker({ namespace: "speaksep-pages" });

  class Content extends lab.widgets.Widget {
    constructor(what) {
      super();
      this.addClass("speaksep-document");
      this.what = what;
      this.node.addEventListener("click", (event) => this.follow(event));
      this.mounted = showPage(context, this.node, what);
      this.mounted.then(({ title }) => {
        if (title && !this.isDisposed) this.title.label = title;
      });
      jobs.changed.connect(this.look, this);
    }

    /** Links of a page lead to others of its kind. */
    follow(event) {
      const href = event.target.closest?.("a[href]")?.getAttribute("href") ?? "";
      const job = /^recording\/([^/]+)\/$/.exec(href);
      if (!job) return;
      event.preventDefault();
      app.commands.execute("speaksep:open-page", { of: "job", name: decodeURIComponent(job[1]) });
    }

    async look() {
      (await this.mounted).look();
    }

    dispose() {
      if (this.isDisposed) return;
      jobs.changed.disconnect(this.look, this);
      this.mounted.then(({ end }) => end());
      super.dispose();
    }
  }

  app.commands.addCommand("speaksep:open-page", {
    label: trans.__("Open Result"),
    execute: ({ of, name, title }) => {
      let widget = tracker.find(({ content: { what } }) => what.of === of && what.name === name);
      if (!widget) {
        const content = new Content({ of, name });
        content.title.label = title ?? trans.__("Result");
        content.title.icon = icon;
        widget = new MainAreaWidget({ content });
        widget.id = `speaksep-${of}-${name}`;
        tracker.add(widget);
        app.shell.add(widget, "main");
      }
      app.shell.activateById(widget.id);
    },
  });
  restorer?.restore(tracker, {
    command: "speaksep:open-page",
    args: ({ content: { what, title } }) => ({ ...what, title: title.label }),
    name: ({ content: { what } }) => `${what.of}/${what.name}`,
  });
}
