// A recording opens as a document: nothing of it is read into the page but what is on the screen.
import { prepare, showRecording } from "./mounting.js";

const IDLE_MS = 2000;
export const FACTORY = "SpeakSep";
const PROVIDER = "speaksep-recording";
/** What Lab has no name for, among what SpeakSep reads. */
const TYPE = {
  name: "speaksep-recording",
  extensions: [".aif", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".sph", ".w64", ".wma"],
  mimeTypes: ["audio/*"],
};
const isSound = (type) => type.mimeTypes.some((each) => each.startsWith("audio/"));

/** Whether a file of this name is a recording. */
export function isRecording({ app }, path) {
  return app.docRegistry.getFileTypesForPath(path).some(isSound);
}

/** Registers the document that shows a recording, and what a double click opens. */
export function addOpening(context) {
  const { app, lab, drive, trans, icon, restorer, settings, settled, jobs } = context;
  const { docRegistry } = app;
  const { ABCWidgetFactory, DocumentWidget } = lab.docregistry;
  const known = new Set([...docRegistry.fileTypes()].filter(isSound).flatMap(({ extensions }) => extensions));
  docRegistry.addFileType({
    ...TYPE,
    extensions: TYPE.extensions.filter((each) => !known.has(each)),
    displayName: trans.__("Recording"),
    contentType: "file",
    fileFormat: "base64",
    icon,
  });
  const types = [...docRegistry.fileTypes()].filter(isSound).map(({ name }) => name);

  // Lab would read the whole file into the page otherwise.
  drive?.contentProviderRegistry?.register(PROVIDER, {
    get: (path, options) => drive.get(path, { ...options, contentProviderId: undefined, content: false }),
    save: (path, options = {}) => drive.save(path, { ...options, contentProviderId: undefined }),
  });

  class Content extends lab.widgets.Widget {
    constructor(document) {
      super();
      this.addClass("speaksep-document");
      this.document = document;
      this.mounted = showRecording(context, this.node, document.path);
      this.shown = this.mounted.then(() => undefined);
      document.fileChanged.connect(this.again, this);
      jobs.changed.connect(this.look, this);
    }

    async look() {
      (await this.mounted).look();
    }

    async again() {
      (await this.mounted).look();
    }

    dispose() {
      if (this.isDisposed) return;
      jobs.changed.disconnect(this.look, this);
      this.mounted.then(({ end }) => end());
      super.dispose();
    }

    onActivateRequest() {
      this.mounted.then(() => this.node.querySelector(".speaksep")?.focus());
    }
  }

  class Factory extends ABCWidgetFactory {
    createNewWidget(document) {
      const content = new Content(document);
      const widget = new DocumentWidget({ content, context: document, reveal: content.shown });
      widget.title.icon = icon;
      return widget;
    }
  }

  const factory = new Factory({
    name: FACTORY,
    label: trans.__("Recording (SpeakSep)"),
    fileTypes: types,
    defaultFor: types,
    readOnly: true,
    modelName: "base64",
    contentProviderId: PROVIDER,
  });
  const tracker = new lab.apputils.WidgetTracker({ namespace: "speaksep-recordings" });
  factory.widgetCreated.connect((_, widget) => {
    tracker.add(widget);
    widget.context.pathChanged.connect(() => tracker.save(widget));
  });
  docRegistry.addWidgetFactory(factory);
  restorer?.restore(tracker, {
    command: "docmanager:open",
    args: ({ context: { path } }) => ({ path, factory: FACTORY }),
    name: ({ context: { path } }) => path,
  });
  context.recordings = tracker;

  // Lab's player wants recordings, too: whoever comes last has them, and a setting says who that is.
  const others = new Map(types.map((name) => [name, docRegistry.defaultWidgetFactory(`x${docRegistry.getFileType(name).extensions[0] ?? ""}`)]));
  const claim = () => {
    for (const name of types) {
      const extension = docRegistry.getFileType(name).extensions[0];
      if (!extension) continue;
      const now = docRegistry.defaultWidgetFactory(`x${extension}`);
      if (now.name !== FACTORY) others.set(name, now);
      const wanted = settings.openRecordings ? FACTORY : others.get(name)?.name;
      if (wanted && now.name !== wanted) docRegistry.setDefaultWidgetFactory(name, wanted);
    }
  };
  settled.connect(claim);
  app.started.then(claim);
  // What the first recording needs is fetched when the page has nothing else to do.
  app.restored.then(() => setTimeout(() => prepare(context), IDLE_MS));
}
