/** BokehJS of this page; one for all views on it. @type {Promise<any> | undefined} */
let bokehComing;

/**
 * BokehJS, never from a network: Panel has it, the front serves it beside the page, and a kernel sends its bytes.
 *
 * @param {any} model the view's model
 * @param {Asker} asker
 * @returns {Promise<any>} `window.Bokeh`
 */
function bokehOf(model, asker) {
  bokehComing ??= loadBokeh(model, asker).catch((error) => {
    bokehComing = undefined; // the next one may reach it
    throw error;
  });
  return bokehComing;
}

async function loadBokeh(model, asker) {
  if (window.Bokeh?.embed) return window.Bokeh;
  let url = model.get("assets")?.["bokeh.min.js"];
  if (!url) {
    const { buffers } = await asker.ask("bokeh");
    url = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
  }
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => {
      script.remove();
      reject(new AskError({ error: "the figures cannot be loaded", reason: "no-answer", hint: "The table works." }));
    });
    document.head.append(script);
  });
  return window.Bokeh;
}
