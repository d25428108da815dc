import { byId } from "./page-elements.js";

const NEAR_END_PX = 90;

/** Keeps the newest line in view, unless the person scrolled away from it. */
export class Scrolling {
  #scroller = byId("scroller");
  #jump = byId("jump");
  #follows = true;
  #lastTop = 0;

  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#onScroll(), { passive: true });
    this.#scroller.addEventListener(
      "wheel",
      (event) => {
        if (event.deltaY < 0) this.#follows = false;
      },
      { passive: true },
    );
    this.#jump.addEventListener("click", () => this.toEnd("smooth"));
    const observer = new ResizeObserver(() => {
      if (this.#follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#showJump();
    });
    observer.observe(byId("content"));
    observer.observe(this.#scroller);
  }

  toEnd(behavior = "auto") {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#follows = true;
    this.#scroller.scrollTo({
      top: this.#scroller.scrollHeight,
      behavior: isStill ? "auto" : behavior,
    });
  }

  /** Does something that adds content above, without moving what is in view. */
  keep(work) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    this.#follows = false;
    work();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  #onScroll() {
    const { scrollTop } = this.#scroller;
    // Only a person scrolls up; growing text merely leaves the end farther away.
    if (this.#distance() < NEAR_END_PX) this.#follows = true;
    else if (scrollTop < this.#lastTop) this.#follows = false;
    this.#lastTop = scrollTop;
    this.#showJump();
  }

  #showJump() {
    this.#jump.hidden = this.#distance() < 3 * NEAR_END_PX;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }
}
