// The frames of the server, for as long as the page is in the foreground.

const RETRY_MS = [1000, 2000, 4000, 8000, 15000];

/** Calls `onFrame` with each frame and `onState` with "waiting", "live", "lost" or "hidden". */
export class Stream {
  constructor(url, onFrame, onState) {
    Object.assign(this, { url, onFrame, onState, tries: 0, source: null, timer: 0 });
    // A page that nobody sees costs the server nothing.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#open()));
    addEventListener("pagehide", () => this.#rest());
    addEventListener("pageshow", () => this.#open());
    if (!document.hidden) this.#open();
  }

  #open() {
    if (this.source) return;
    clearTimeout(this.timer);
    this.onState("waiting");
    const source = new EventSource(this.url);
    this.source = source;
    source.onmessage = (message) => {
      this.tries = 0;
      const frame = JSON.parse(message.data);
      this.onState("live");
      this.onFrame(frame);
    };
    // The browser's own attempts end at an answer that is no stream, so the page makes its own.
    source.onerror = () => {
      this.#close();
      this.onState("lost");
      const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
      this.timer = setTimeout(() => this.#open(), wait * (0.8 + 0.4 * Math.random()));
    };
  }

  #close() {
    this.source?.close();
    this.source = null;
  }

  #rest() {
    clearTimeout(this.timer);
    this.#close();
    this.onState("hidden");
  }
}
