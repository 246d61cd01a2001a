// The page: a list of jobs that changes by itself.

import { call } from "./api.js";
import { follow } from "./live.js";
import { Picked } from "./picked.js";
import { offerToSend } from "./recordings.js";
import { FINISHED, Row } from "./rows.js";
import { choiceOf } from "./share.js";
import { Shares } from "./shares.js";

const leaving = new AbortController();
const byId = (id) => document.getElementById(id);
const body = byId("jobs").tBodies[0];
/** @type {Map<string, Row>} */
const rows = new Map();
/** Jobs that only make a file somebody asked for. */
const unseen = new Set();
let next = null;
/** For who may share: see Row. */
let sharing = null;

const failed = (error) => {
  byId("word").className = "bad";
  byId("word").textContent = error.message;
};

/** @param {any} job @param {boolean} newest */
function show(job, newest) {
  if (!job.kind) return; // a diagnosis that was known already
  if (job.kind === "conversion") {
    unseen.add(job.id);
    return;
  }
  if (rows.has(job.id)) {
    rows.get(job.id).update(job);
    return;
  }
  const row = new Row(job, failed, sharing);
  rows.set(job.id, row);
  if (newest) body.prepend(row.line);
  else body.append(row.line);
  byId("jobs").hidden = false;
  byId("none").hidden = true;
}

async function told(event) {
  const { job_id: id, state, fraction, stage, message, attempt } = event;
  if (unseen.has(id)) return;
  const row = rows.get(id);
  // What an event does not say, such as why it failed, is asked for.
  if (row && !FINISHED.has(state)) row.update({ state, fraction, stage, message, attempt });
  else show(await call("GET", `jobs/${id}`), true);
}

async function page() {
  const found = await call("GET", `jobs?limit=25${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
  found.items.forEach((job) => show(job, false));
  next = found.next;
  byId("more").hidden = !next;
  byId("none").hidden = rows.size > 0;
  return found.seq;
}

const shown = (live) => (byId("live").textContent = live ? "" : "The service is away; this page goes on when it is back.");

/** @param {{scopes: string[], dashboards: string|null}} me */
function offerToShare({ scopes, dashboards }) {
  byId("dashboards").hidden = !dashboards;
  if (dashboards) byId("dashboards").href = dashboards;
  if (sharing || !scopes.includes("dashboards:share")) return;
  const shares = new Shares(failed, leaving.signal);
  const ask = (asked) => shares.ask(asked);
  const picked = new Picked(ask);
  sharing = { page: dashboards, ask, box: (job) => picked.box(job) };
  shares.page().catch(failed);
  // Dashboards send their readers here to share what they look at: ?share=recording/ID
  const asked = new URLSearchParams(location.search).get("share");
  const choice = asked && choiceOf(asked);
  if (choice) ask({ title: choice.word, choices: [choice] });
}

/** Who I am and what I have, as soon as the service is there; the number of the last event. */
async function first() {
  for (;;) {
    try {
      const me = await call("GET", "me");
      byId("who").textContent = me.name;
      offerToShare(me);
      return await page();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // TypeError: nobody answered
      shown(false);
      await new Promise((again) => setTimeout(again, 1000));
    }
  }
}

async function begin() {
  offerToSend((job) => show(job, true), leaving.signal);
  byId("more").addEventListener("click", () => page().catch(failed), { signal: leaving.signal });
  const stop = follow(await first(), (event) => told(event).catch(failed), shown);
  addEventListener("pagehide", () => { stop(); leaving.abort(); }, { once: true });
}

begin().catch(failed);
