// The daemon's events: what it is doing now, and what has just begun or ended.
import { ApiError, get } from "./api.js";

const first_retry_ms = 1000;
const longest_retry_ms = 15_000;
const silence_ms = 40_000; // a status or a comment comes every 15 s
const kept_samples = 300;

/**
 * Dispatches:
 *   status       detail: Status
 *   connection   detail: "live" | "lost"
 *   restarted    the daemon is another instance than before; detail: its Status
 *   run_started, run_ended, site   detail: as the daemon sent it
 */
export class LiveStatus extends EventTarget {
  /** The latest Status; null before the first one. */
  latest = null;
  connection = "lost";
  /** Queue and outbox over the last minutes, oldest first: { at, queue, outbox, pending }. */
  samples = [];

  #source = null;
  #retry_ms = first_retry_ms;
  #timers = { retry: 0, silence: 0 };

  /** Connects, and connects again whenever the connection is lost, until stop(). */
  start() {
    this.stop();
    const source = new EventSource("api/v1/events");
    this.#source = source;
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return;
        this.#expect_more();
        act(JSON.parse(event.data));
      });
    source.addEventListener("open", () => this.#expect_more());
    source.addEventListener("error", () => this.#lost());
    on("status", (status) => this.#take(status));
    for (const name of ["run_started", "run_ended", "site"]) on(name, (detail) => this.#tell(name, detail));
    on("goodbye", () => this.#lost());
    this.#expect_more();
  }

  stop() {
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.silence);
    this.#source?.close();
    this.#source = null;
  }

  #take(status) {
    const before = this.latest;
    this.latest = status;
    this.#retry_ms = first_retry_ms;
    this.samples.push({
      at: Date.parse(status.at),
      queue: status.queue.items,
      outbox: status.outbox?.waiting ?? 0,
      pending: status.images.pending,
    });
    if (this.samples.length > kept_samples) this.samples.shift();
    this.#connection_is("live");
    if (before && before.instance !== status.instance) this.#tell("restarted", status);
    this.#tell("status", status);
  }

  /** An EventSource does not say why it failed; asking once for the status does, and tells of an ended session. */
  async #lost() {
    this.stop();
    this.#connection_is("lost");
    const wait = this.#retry_ms;
    this.#retry_ms = Math.min(this.#retry_ms * 2, longest_retry_ms);
    this.#timers.retry = setTimeout(async () => {
      try {
        await get("status");
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return;
        if (error instanceof ApiError && error.status === 0) {
          this.#lost();
          return;
        }
      }
      this.start();
    }, wait);
  }

  /** A connection that is silent for too long is as good as lost, whatever a proxy in between says. */
  #expect_more() {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#lost(), silence_ms);
  }

  #connection_is(state) {
    if (this.connection === state) return;
    this.connection = state;
    this.#tell("connection", state);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
