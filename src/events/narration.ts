/** What of the history is shown to people, in which order: events, and the story of a switchover instead of its events. Pure. */
import { type HistoryEvent, timeOf } from './event.ts'
import { NO_PROGRESS, type Story, tell, type Progress, unfinished } from './story.ts'

export type Item =
  | { readonly kind: 'event'; readonly seq: number; readonly event: HistoryEvent }
  | { readonly kind: 'story'; readonly seq: number; readonly story: Story }

export interface Selection {
  /** Milliseconds since the epoch. A story counts by its end. */
  readonly since: number | null
  /** Of several only this one, and what is of none. */
  readonly cluster: string | null
}

/** Returns whether an event is selected. */
export function isSelected(event: HistoryEvent, { since, cluster }: Selection): boolean {
  return (since === null || timeOf(event) >= since) && isOf(event, cluster)
}

/** Takes events one after the other, and puts them in the order in which they are shown. */
export class Narrator {
  readonly #selection: Selection
  #progress: Progress = NO_PROGRESS
  readonly #items: Item[] = []

  constructor(selection: Selection) {
    this.#selection = selection
  }

  /** Takes the next event: also one that is not selected may be the beginning of a story that is. */
  take(event: HistoryEvent): void {
    const { progress, stories, isPart } = tell(this.#progress, event)
    this.#progress = progress
    this.#items.push(...storyItems(stories, this.#selection))
    if (!isPart && isSelected(event, this.#selection)) this.#items.push({ kind: 'event', seq: event.seq, event })
  }

  /** Returns all that was taken, in order. Stories without an end are shown up to `now`. */
  items(now: number): readonly Item[] {
    const open = storyItems(unfinished(this.#progress, now), this.#selection)
    return [...this.#items, ...open].toSorted((a, b) => a.seq - b.seq)
  }
}

/** Shows people what happens while it does: each event at once, and a story when it has its end. */
export class LiveNarrator {
  readonly #selection: Selection
  #progress: Progress = NO_PROGRESS

  constructor(selection: Selection) {
    this.#selection = selection
  }

  /** Takes the next event, and returns what is to be shown then. */
  take(event: HistoryEvent): readonly Item[] {
    const { progress, stories } = tell(this.#progress, event)
    this.#progress = progress
    const shown: Item[] = isSelected(event, this.#selection) ? [{ kind: 'event', seq: event.seq, event }] : []
    return [...shown, ...storyItems(stories, this.#selection)]
  }
}

function storyItems(stories: readonly Story[], { since, cluster }: Selection): readonly Item[] {
  return stories
    .filter((story) => (since === null || (story.steps.at(-1)?.at ?? 0) >= since) && isOf(story, cluster))
    .map((story) => ({ kind: 'story', seq: story.steps[0]?.seq ?? 0, story }))
}

function isOf({ cluster }: { readonly cluster: string | null }, selected: string | null): boolean {
  return selected === null || cluster === null || cluster === selected
}
