// Everything that can be done, by name: for the context menu, the palette, the launcher and the keyboard.
import { isRecording } from "./opening.js";
import { askHow } from "./separating.js";

/** Registers the commands and puts them where people look for them. */
export function addCommands(context) {
  const { app, lab, browsers, palette, launcher, trans, icon, jobs, server, recordings } = context;
  const { commands, shell } = app;
  const { Notification } = lab.apputils;

  /** What a command is about: what is chosen in the file browser, else the recording on the screen. */
  function targets() {
    const browser = browsers?.tracker.currentWidget;
    const chosen = browser ? [...browser.selectedItems()] : [];
    const paths = chosen.filter(({ type }) => type !== "directory").map(({ path }) => path).filter((path) => isRecording(context, path));
    if (paths.length) return paths;
    const shown = recordings.currentWidget;
    return shown && shown === shell.currentWidget ? [shown.context.path] : [];
  }

  const told = (call) => async (args) => {
    try {
      return await call(args);
    } catch (error) {
      return Notification.error(error.message, { autoClose: 8000 });
    }
  };

  async function submit(verb, paths, options, batch) {
    const { word } = await jobs.submit(verb, paths, options, batch);
    if (word) Notification.warning(word, { autoClose: 8000 });
    commands.execute("speaksep:jobs");
  }

  const some = (words, plural) => () => {
    const count = targets().length;
    return count > 1 ? trans._n(words, plural, count) : words;
  };
  const about = { isEnabled: () => targets().length > 0, isVisible: () => targets().length > 0, icon };

  commands.addCommand("speaksep:diagnose", {
    ...about,
    label: some(trans.__("Diagnose"), "Diagnose %1 Recordings"),
    caption: trans.__("Find out who speaks when, what is wrong with a recording, and what to do about it"),
    execute: told(async () => {
      const paths = targets();
      await submit("diagnose", paths, {}, paths.length > 1);
    }),
  });
  commands.addCommand("speaksep:separate", {
    ...about,
    label: some(trans.__("Separate…"), "Separate %1 Recordings…"),
    caption: trans.__("One track per speaker"),
    execute: told(async () => {
      const paths = targets();
      const options = await askHow(context, paths);
      if (options) await submit("separate", paths, options, paths.length > 1);
    }),
  });
  commands.addCommand("speaksep:add-to-batch", {
    ...about,
    label: some(trans.__("Add to Batch"), "Add %1 Recordings to Batch"),
    caption: trans.__("Gather recordings that are to be done together"),
    execute: () => {
      jobs.gather(targets());
      commands.execute("speaksep:jobs");
    },
  });
  commands.addCommand("speaksep:run-batch", {
    label: trans.__("Separate the Batch…"),
    icon,
    isEnabled: () => jobs.basket.length > 0,
    execute: told(async ({ verb = "separate" }) => {
      const paths = jobs.basket;
      const options = verb === "separate" ? await askHow(context, paths) : {};
      if (!options) return;
      await submit(verb, paths, options, true);
      jobs.drop();
    }),
  });
  commands.addCommand("speaksep:workbench", {
    label: ({ isLauncher }) => (isLauncher ? trans.__("Workbench") : trans.__("Open in Workbench")),
    caption: trans.__("A notebook with the workbench for the recording that is chosen"),
    icon,
    isVisible: ({ isLauncher }) => Boolean(isLauncher) || targets().length === 1,
    execute: told(async ({ cwd }) => {
      const [path] = targets();
      const folder = cwd ?? browsers?.tracker.currentWidget?.model.path ?? "";
      const made = await server.ask("workbench", "POST", path ? { path } : { folder });
      return commands.execute("docmanager:open", { path: made.path });
    }),
  });
  commands.addCommand("speaksep:jobs", {
    label: trans.__("Show Jobs and Voices"),
    icon,
    execute: () => shell.activateById("speaksep-sidebar"),
  });

  for (const command of ["diagnose", "separate", "add-to-batch", "run-batch", "workbench", "jobs"]) {
    palette?.addItem({ command: `speaksep:${command}`, category: "SpeakSep", args: command === "workbench" ? { isLauncher: true } : {} });
  }
  launcher?.add({ command: "speaksep:workbench", category: "SpeakSep", args: { isLauncher: true }, rank: 10 });
  browsers?.tracker.currentChanged.connect(() => commands.notifyCommandChanged());
}
