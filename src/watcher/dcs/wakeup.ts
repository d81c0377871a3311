/** Ends a wait before its time: a call of `wake` without a wait counts for the next one. */
export class Wakeup {
  #isDue = false
  #resume: (() => void) | null = null

  wake(): void {
    this.#isDue = true
    this.#resume?.()
  }

  /** Waits for `wake`, `ms` milliseconds, or the end of `signal`, whichever comes first. One caller at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isDue && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#resume?.(), ms)
        const resume = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', resume)
          this.#resume = null
          resolve()
        }
        this.#resume = resume
        signal.addEventListener('abort', resume, { once: true })
      })
    }
    this.#isDue = false
  }
}
