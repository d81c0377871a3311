/** What has happened, in human words, the latest last. */
export interface DemoEvent {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly who: 'cluster' | 'router' | 'you'
  readonly text: string
}

const KEPT = 200

export class Events {
  readonly #events: DemoEvent[] = []
  readonly #listeners = new Set<(event: DemoEvent) => void>()

  get all(): readonly DemoEvent[] {
    return this.#events
  }

  add(who: DemoEvent['who'], text: string): void {
    const event = { at: Date.now(), who, text }
    this.#events.push(event)
    if (this.#events.length > KEPT) this.#events.shift()
    for (const listener of this.#listeners) listener(event)
  }

  /** Calls `listener` with every event from now on, until the returned function is called. */
  subscribe(listener: (event: DemoEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** Returns `15:04:05 router: ...`, with the time as the clock of this machine shows it. */
export function lineOf({ at, who, text }: DemoEvent): string {
  const time = new Date(at).toLocaleTimeString('en-GB', { hour12: false })
  return `${time} ${who === 'cluster' ? '' : `${who}: `}${text}`
}
