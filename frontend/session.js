/** What happens when the session ends under an open form: sign in elsewhere, keep what was typed. */
import { csrfToken } from "./text.js";

let ended = false;

export function offerSignIn() {
  ended = true;
  const dialog = document.querySelector("#tm-sign-in");
  if (!dialog.open) dialog.showModal();
}

/** Whether the person is still signed in. */
export async function alive() {
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  return answer === null || (answer.type !== "opaqueredirect" && answer.status !== 401);
}

/** A new session has a new token; the forms of this page take it over. */
async function renew() {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (answer.type === "opaqueredirect" || !answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("meta[name=csrf-token]").content;
  document.querySelector("meta[name=csrf-token]").content = token;
  for (const input of document.querySelectorAll("input[name=csrf_token]")) input.value = token;
  return csrfToken() !== "";
}

addEventListener("focus", async () => {
  if (!ended || !(await renew().catch(() => false))) return;
  ended = false;
  document.querySelector("#tm-sign-in").close();
  document.dispatchEvent(new CustomEvent("tm:signed-in"));
});
