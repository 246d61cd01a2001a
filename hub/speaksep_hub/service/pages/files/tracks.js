// What came of a separation: every speaker to listen to and to take along.

import { address, call } from "./api.js";
import { element } from "./element.js";

/** @param {string} job @returns {Promise<Node[]>} */
export async function showResult(job) {
  const [manifest, exporters] = await Promise.all([call("GET", `results/${job}`), call("GET", "plugins?kind=exporter")]);
  const formats = exporters.items.map((each) => each.name);
  const percent = (share) => `${Math.round(100 * share)} %`;
  const { diagnosis, speakers } = manifest;
  const words =
    `${speakers.length} speaker${speakers.length === 1 ? "" : "s"}, speech ${percent(diagnosis.speech_ratio)}, ` +
    `overlapped ${percent(diagnosis.overlap_ratio)} of that`;
  const tracks = [
    ...speakers.map((each) => [each.label, each.name ?? each.label, `${each.seconds.toFixed(1)} s`]),
    ["residual", "what is nobody’s", ""],
  ];
  return [
    element("p", {}, words),
    ...tracks.map(([label, name, seconds]) => track(job, formats, label, name, seconds)),
    element("p", {}, "For other tools: ", ...links(job)),
  ];
}

function track(job, formats, label, name, seconds) {
  const place = (format) => address(`results/${job}/tracks/${label}`, format ? { format } : {});
  const choice = element(
    "select", { "aria-label": `Format of ${name}` }, ...formats.map((each) => element("option", {}, each)),
  );
  const save = element("a", { href: place(formats[0]), download: `${label}.${formats[0]}` }, "Save");
  choice.onchange = () => Object.assign(save, { href: place(choice.value), download: `${label}.${choice.value}` });
  return element(
    "div", { className: "track" },
    element("span", {}, element("strong", {}, name), " ", element("span", { className: "quiet" }, seconds)),
    element("audio", { controls: true, preload: "none", src: place(), "aria-label": `Track of ${name}` }),
    element("span", {}, choice, " ", save),
  );
}

function links(job) {
  const known = [["turns.rttm", "RTTM"], ["manifest.json", "manifest"], ["summary.png", "picture"]];
  const files = known.map(([file, word]) => element("a", { href: address(`results/${job}/files/${file}`), download: file }, word));
  const labels = ["textgrid", "eaf", "webvtt", "csv"];
  const made = labels.map((each) => element("a", { href: address(`results/${job}/exports/${each}`), download: "" }, each));
  return [...files, ...made].flatMap((link) => [link, " "]);
}
