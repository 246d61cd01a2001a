// Jobs and voices beside the page.
import { jobsPart } from "./sidebar_jobs.js";
import { basketPart } from "./sidebar_basket.js";
import { voicesPart } from "./sidebar_voices.js";

/** Registers the sidebar. */
export function addSidebar(context) {
  const { app, lab, trans, icon, jobs, restorer } = context;

  class Sidebar extends lab.widgets.Widget {
    constructor() {
      super();
      this.id = "speaksep-sidebar";
      this.addClass("speaksep-sidebar");
      this.title.icon = icon;
      this.title.caption = trans.__("SpeakSep: jobs and voices");
      this.node.setAttribute("role", "region");
      this.node.setAttribute("aria-label", trans.__("SpeakSep: jobs and voices"));
      this.node.tabIndex = -1;
      this.parts = [basketPart(context), jobsPart(context), voicesPart(context)];
      this.node.append(...this.parts.map(({ element }) => element));
      jobs.changed.connect(this.show_, this);
      this.show_();
    }

    show_() {
      for (const part of this.parts) part.update();
    }

    onAfterShow() {
      jobs.look(true);
      this.parts[2].look();
    }

    onAfterHide() {
      jobs.look(false);
    }

    onActivateRequest() {
      this.node.focus();
    }
  }

  const sidebar = new Sidebar();
  restorer?.add(sidebar, "speaksep-sidebar");
  app.shell.add(sidebar, "left", { rank: 600, type: "SpeakSep" });
}
