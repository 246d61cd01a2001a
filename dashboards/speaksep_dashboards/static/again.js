// A page whose kernel or session has ended comes again by itself, and says so; while its service is away, it says that.
// <script src="again.js" data-alive="ADDRESS">: 200 there while what answers the page lives, 404 when it has ended.
// Pages of Voila say which kernel is theirs without it.
{
  const alive = document.currentScript.dataset.alive ?? kernel();
  const word = document.body.appendChild(document.createElement("p"));
  word.id = "speaksep-word";
  word.setAttribute("role", "status");
  word.hidden = true;
  const EVERY_MS = 3000;
  const READ_MS = 1200; // somebody may want to know why
  const RELOADS = 5; // in a row; whatever ends every kernel at once is not asked for more of them
  const KEY = `speaksep-reloads ${location.pathname}`;
  let leaving = false;

  function kernel() {
    const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);
    return `${config.baseUrl}api/kernels/${config.kernelId}`;
  }

  function say(text) {
    if (word.textContent !== text) word.textContent = text;
    word.hidden = !text;
  }

  function again() {
    const reloads = Number(sessionStorage.getItem(KEY) ?? 0) + 1;
    if (reloads > RELOADS) {
      say("What answers this page ends as soon as it is started. Reload the page to try again.");
      return false;
    }
    sessionStorage.setItem(KEY, String(reloads));
    say("What answers this page has ended. The page starts it again…");
    setTimeout(() => location.reload(), READ_MS);
    return true;
  }

  async function look() {
    if (leaving) return;
    try {
      const headers = { "X-XSRFToken": /(?:^|; )_xsrf=([^;]*)/.exec(document.cookie)?.[1] ?? "" };
      const answer = await fetch(alive, { cache: "no-store", redirect: "manual", headers });
      if (answer.ok) {
        say("");
      } else if (answer.status === 404) {
        leaving = again() || leaving;
        return;
      } else if (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect") {
        say("You are signed out. Reload the page to sign in again.");
      } else {
        say("The service does not answer. The page goes on by itself when it is back.");
      }
    } catch {
      say("The service does not answer. The page goes on by itself when it is back.");
    }
    setTimeout(look, EVERY_MS);
  }

  addEventListener("pagehide", () => { leaving = true; });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    leaving = false; // brought back as it was left, and its kernel was ended then
    look();
  });
  setTimeout(() => sessionStorage.removeItem(KEY), 60000);
  setTimeout(look, EVERY_MS);
}
