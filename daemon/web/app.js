// Puts the page together: asks for the token where there is no session, then shows the page that the address names.
import { ApiError, get, log_in, log_out, tell_unauthorized_to } from "./api.js";
import { fill } from "./element.js";
import { LiveStatus } from "./live_status.js";
import { login_view } from "./login.js";
import { notice_regions, tell } from "./notices.js";
import { page_of } from "./page_table.js";
import { parse_address } from "./router.js";
import { Shell } from "./shell.js";
import { keep_time_labels_fresh } from "./time_label.js";

const live = new LiveStatus();
const shell = new Shell(live, leave);
let open_page = new AbortController();
let version = null; // of the daemon that served this page

function show_page() {
  open_page.abort();
  open_page = new AbortController();
  const { path, query } = parse_address(location.hash);
  const { section, make } = page_of(path);
  const { title, element } = make({ live, shell, query, signal: open_page.signal, words: path.slice(1) });
  document.title = `${title} – catwalk`;
  shell.show(section, element);
}

function enter() {
  tell_unauthorized_to(() => ask_for_token("Your session has ended. Enter the token to go on where you were."));
  fill(document.body, shell.element, notice_regions);
  live.start();
  show_page();
  shell.count_failures();
}

/** The address stays: whoever logs in again goes on with the same page. */
function ask_for_token(why) {
  tell_unauthorized_to(() => {});
  live.stop();
  open_page.abort();
  document.title = "Log in – catwalk";
  const log_in_and_enter = async (token) => {
    await log_in(token);
    enter();
  };
  fill(document.body, login_view(why, log_in_and_enter));
}

async function leave() {
  await log_out();
  ask_for_token("You are logged out.");
}

/** `catwalk demo` prints a link with the token behind the "#", which the browser sends to nobody. */
function take_token_of_link() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (found) history.replaceState(null, "", "#/");
  return found ? decodeURIComponent(found[1]) : null;
}

async function begin() {
  try {
    const token = take_token_of_link();
    if (token) await log_in(token);
    await get("status");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) {
      ask_for_token(error.message.startsWith("wrong token") ? "The token in this link is not the daemon's." : "");
      return;
    }
    // Anything else (it is still starting, say) the page itself shows.
  }
  enter();
}

window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) {
    begin();
  } else if (shell.element.isConnected) {
    show_page();
    shell.focus_page();
  }
});
live.addEventListener("status", ({ detail }) => {
  version ??= detail.version;
  shell.offer_reload(version !== detail.version);
});
live.addEventListener("restarted", () => {
  tell("catwalk was started anew. The page is up to date again.");
  show_page();
});
keep_time_labels_fresh();
begin();
