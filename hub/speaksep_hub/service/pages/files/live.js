// What happens to my jobs, as it happens. The browser reads on by itself after a short break; after a long one we do.

import { address, call, signInAgain } from "./api.js";

const LONGEST_PAUSE_MS = 10_000;

/**
 * @param {number} after number of the last event that is known
 * @param {(event: any) => void} told
 * @param {(live: boolean) => void} changed whether the stream is open
 * @returns {() => void} ends it
 */
export function follow(after, told, changed) {
  let source = null;
  let timer = 0;
  let pause = 500;
  const open = () => {
    source = new EventSource(address("events", { after }));
    source.onopen = () => {
      pause = 500;
      changed(true);
    };
    source.addEventListener("job", (message) => {
      const event = JSON.parse(message.data);
      after = event.seq;
      told(event);
    });
    source.onerror = () => {
      changed(false);
      if (source.readyState !== EventSource.CLOSED) return; // it tries by itself
      timer = setTimeout(again, pause);
      pause = Math.min(LONGEST_PAUSE_MS, 2 * pause);
    };
  };
  const again = () =>
    call("GET", "me").then(open, (error) => {
      if (error.status === 401) signInAgain();
      else timer = setTimeout(again, pause);
    });
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
