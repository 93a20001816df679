// What a screen reader is told without being asked: that a state has changed, and no figures.

import { $, setText } from "./dom.js";

/** Not more often than this. */
const PAUSE_MS = 10_000;

export class Announcer {
  constructor() {
    this.said = {};
    this.waiting = [];
    this.timer = 0;
  }

  /** Says `text` if it is news of `subject`; the first state of a subject is no news. */
  tell(subject, text) {
    const before = this.said[subject];
    this.said[subject] = text;
    if (before === undefined || before === text) return;
    this.waiting = this.waiting.filter((one) => one.subject !== subject);
    this.waiting.push({ subject, text });
    if (!this.timer) this.#say();
  }

  #say() {
    if (this.waiting.length > 0) setText($("announce"), this.waiting.map(({ text }) => text).join(" "));
    this.timer = this.waiting.length > 0 ? setTimeout(() => this.#say(), PAUSE_MS) : 0;
    this.waiting = [];
  }
}
