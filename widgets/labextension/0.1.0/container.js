// What JupyterLab loads first: a module-federation container, by hand. It takes Lab's own modules from the scope that
// all extensions share and imports the rest of this folder as it is, so nothing has to be built.
(() => {
  const { src } = document.currentScript;
  const MODULES = [
    "commands", "elements", "jobs", "mounting", "opening", "pages", "plugin", "separating", "server",
    "sidebar", "sidebar_basket", "sidebar_jobs", "sidebar_voices", "status",
  ];
  // All at once and while Lab is still loading, not one after another as each names the next.
  for (const name of MODULES) {
    const link = Object.assign(document.createElement("link"), { rel: "modulepreload", href: new URL(`${name}.js`, src).href });
    document.head.append(link);
  }
  /** @type {Record<string, Record<string, {get: () => Promise<() => any>, loaded?: number}>>} */
  let shared = {};

  /** Voila and others of Lab's kin share less than Lab: there is no place for us there. */
  class Absent extends Error {}

  /** A module of Lab, by name. @param {string} name */
  async function take(name) {
    const offers = Object.values(shared[name] ?? {});
    const offer = offers.find(({ loaded }) => loaded) ?? offers[0];
    if (!offer) throw new Absent(name);
    return (await offer.get())();
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB.speaksep = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const { plugins } = await import(new URL("plugin.js", src));
      const found = await plugins(take).catch((error) => {
        if (error instanceof Absent) return [];
        throw error;
      });
      return () => ({ __esModule: true, default: found });
    },
  };
})();
