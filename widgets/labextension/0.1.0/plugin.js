// The extension: what it needs of Lab, and its parts.
import { addCommands } from "./commands.js";
import { JobsStore } from "./jobs.js";
import { addOpening } from "./opening.js";
import { addPages } from "./pages.js";
import { Server } from "./server.js";
import { addSidebar } from "./sidebar.js";
import { addStatus } from "./status.js";

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
<g class="jp-icon3" fill="#616161"><path d="M2 10h2v4H2zm4-4h2v12H6zm4-3h2v18h-2z"/>
<path d="M14 8h2v8h-2zm4-3h2v14h-2z" opacity=".55"/></g></svg>`;
export const ID = "speaksep:plugin";

/** @param {(name: string) => Promise<any>} take modules of Lab, by name */
export async function plugins(take) {
  const names = {
    application: "@jupyterlab/application",
    apputils: "@jupyterlab/apputils",
    docregistry: "@jupyterlab/docregistry",
    filebrowser: "@jupyterlab/filebrowser",
    launcher: "@jupyterlab/launcher",
    services: "@jupyterlab/services",
    settings: "@jupyterlab/settingregistry",
    statusbar: "@jupyterlab/statusbar",
    translation: "@jupyterlab/translation",
    ui: "@jupyterlab/ui-components",
    signaling: "@lumino/signaling",
    widgets: "@lumino/widgets",
  };
  const taken = await Promise.all(Object.values(names).map(take));
  const lab = Object.fromEntries(Object.keys(names).map((name, at) => [name, taken[at]]));
  return [
    {
      id: ID,
      description: "Recordings, jobs and voices of SpeakSep.",
      autoStart: true,
      requires: [lab.translation.ITranslator, lab.settings.ISettingRegistry],
      optional: [
        lab.filebrowser.IFileBrowserFactory,
        lab.services.IDefaultDrive,
        lab.application.ILayoutRestorer,
        lab.apputils.ICommandPalette,
        lab.launcher.ILauncher,
        lab.statusbar.IStatusBar,
      ],
      activate: (app, translator, registry, browsers, drive, restorer, palette, launcher, statusBar) => {
        const context = {
          app, lab, browsers, drive, restorer, palette, launcher, statusBar,
          trans: translator.load("speaksep"),
          icon: new lab.ui.LabIcon({ name: "speaksep:voices", svgstr: ICON }),
          server: new Server(lab.services.ServerConnection, app.serviceManager.serverSettings),
          settings: { openRecordings: true, scale: "mel", heightPx: 360, quality: "balanced", where: "auto", statusBar: true },
          settled: new lab.signaling.Signal({}),
        };
        context.jobs = new JobsStore(context);
        style();
        addOpening(context);
        addPages(context);
        addSidebar(context);
        addCommands(context);
        addStatus(context);
        follow(context, registry);
      },
    },
  ];
}

/** Settings as they are and as they change. */
async function follow({ settings, settled }, registry) {
  try {
    const found = await registry.load(ID);
    const read = () => {
      Object.assign(settings, found.composite);
      settled.emit(settings);
    };
    found.changed.connect(read);
    read();
  } catch (error) {
    console.warn("SpeakSep goes on with its own settings:", error);
  }
}

function style() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("lab.css", import.meta.url).href;
  document.head.append(link);
}
