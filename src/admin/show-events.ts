/** `show events`: the history of the router, as HAProxy shows that of a sink. */
import { setImmediate } from 'node:timers/promises'
import { eventJson, type HistoryEvent } from '../events/event.ts'
import { eventsAfter, eventsFrom } from '../events/follow.ts'
import type { History } from '../events/history.ts'
import { isSelected, type Item, LiveNarrator, Narrator, type Selection } from '../events/narration.ts'
import { parseSince } from '../events/since.ts'
import { itemText } from '../events/text.ts'
import type { Command } from './command.ts'

interface Options extends Selection {
  readonly isJson: boolean
  /** Continues with what happens from now on. */
  readonly isEndless: boolean
  /** Only what is behind this number. */
  readonly after: number
}

/** Returns the command `show events`. */
export function eventsCommand(history: History): Command {
  return {
    words: ['show', 'events'],
    parameters: '[json] [since <time>] [cluster <name>] [after <seq>] [-w] [-n]',
    help: 'show what happened; -w: wait for more, until a line is sent; -n: only new ones',
    run: (args, { interrupted }) => {
      const options = optionsOf(args, history)
      if (typeof options === 'string') return options
      if (options.isEndless) return followed(history, options, interrupted)
      return options.isJson ? listed(history, options) : narrated(history, options)
    },
  }
}

/** Returns the options; a text: what is wrong with them. */
function optionsOf(args: readonly string[], history: History): Options | string {
  let options: Options = { isJson: false, isEndless: false, since: null, cluster: null, after: 0 }
  const words = [...args]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = VALUED.has(word) ? words.shift() : null
    if (value === undefined) return `Expects a value after ${word}.`
    const next = withOption(options, word, value, history)
    if (typeof next === 'string') return next
    options = next
  }
  return options
}

const VALUED: ReadonlySet<string> = new Set(['since', 'cluster', 'after'])

function withOption(options: Options, word: string, value: string | null, history: History): Options | string {
  switch (word) {
    case 'json':
      return { ...options, isJson: true }
    case 'follow':
    case '-w':
      return { ...options, isEndless: true }
    case '-n':
      return { ...options, after: history.newest }
    case '-wn':
    case '-nw':
      return { ...options, isEndless: true, after: history.newest }
    case 'cluster':
      return { ...options, cluster: value }
    case 'after':
      return /^\d{1,16}$/.test(value ?? '') ? { ...options, after: Number(value) } : 'Expects a number after after.'
    case 'since': {
      const since = parseSince(value ?? '', Date.now())
      return since.ok ? { ...options, since: since.value } : `since: ${since.message}.`
    }
    default:
      return 'Expects json, since TIME, cluster NAME, after NUMBER, -w or -n.'
  }
}

async function* listed(history: History, options: Options): AsyncGenerator<string> {
  for await (const events of eventsAfter(history, options.after)) yield jsonOf(events, options)
}

function jsonOf(events: readonly HistoryEvent[], options: Options): string {
  const selected = events.filter((event) => isSelected(event, options))
  return selected.map((event) => `${eventJson(event)}\n`).join('')
}

/** How many items of text are made in one turn of the event loop. */
const ITEMS = 100

async function* narrated(history: History, options: Options): AsyncGenerator<string> {
  const narrator = new Narrator(options)
  for await (const events of eventsAfter(history, options.after)) for (const each of events) narrator.take(each)
  const items = narrator.items(Date.now())
  if (items.length === 0) yield 'No events.\n'
  for (let at = 0; at < items.length; at += ITEMS) {
    yield textOf(items.slice(at, at + ITEMS))
    await setImmediate()
  }
}

async function* followed(history: History, options: Options, signal: AbortSignal): AsyncGenerator<string> {
  const narrator = new LiveNarrator(options)
  for await (const events of eventsFrom(history, options.after, signal))
    yield options.isJson ? jsonOf(events, options) : textOf(events.flatMap((event) => narrator.take(event)))
}

function textOf(items: readonly Item[]): string {
  return items.map((item) => itemText(item, false)).join('')
}
