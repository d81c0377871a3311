/** `show events`: the history of the router, as HAProxy shows that of a sink. */
import { setImmediate } from 'node:timers/promises'
import { eventJson } from '../events/event.ts'
import { eventsAfter, eventsFrom, type Portion } from '../events/follow.ts'
import type { History } from '../events/history.ts'
import { isSelected, Narrator, type Selection } from '../events/narration.ts'
import { parseSince } from '../events/since.ts'
import { eventText, itemText, storyText } from '../events/text.ts'
import type { Command } from './command.ts'

interface Options extends Selection {
  readonly isJson: boolean
  /** Goes on with what happens from now on. */
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
  for await (const portion of eventsAfter(history, options.after)) yield jsonOf(portion, options)
}

function jsonOf({ events, hasMissed }: Portion, options: Options): string {
  const lines = events.filter((event) => isSelected(event, options)).map((event) => `${eventJson(event)}\n`)
  const [first] = events
  if (!hasMissed || first === undefined) return lines.join('')
  const { seq, time } = first
  const message = 'earlier events are left out: they were dropped before they could be sent'
  const missed = { seq: seq - 1, time, level: 'warn', event: 'events-skipped', message, cluster: null, fields: {} }
  return `${eventJson(missed)}\n${lines.join('')}`
}

/** How many items of text are made in one turn of the event loop. */
const ITEMS = 100

async function* narrated(history: History, options: Options): AsyncGenerator<string> {
  const narrator = new Narrator(options)
  for await (const { events } of eventsAfter(history, options.after)) for (const each of events) narrator.take(each)
  const items = narrator.items(Date.now())
  if (items.length === 0) yield 'No events.\n'
  for (let at = 0; at < items.length; at += ITEMS) {
    yield items
      .slice(at, at + ITEMS)
      .map((item) => itemText(item, false))
      .join('')
    await setImmediate()
  }
}

async function* followed(history: History, options: Options, signal: AbortSignal): AsyncGenerator<string> {
  const narrator = new Narrator(options)
  for await (const portion of eventsFrom(history, options.after, signal)) {
    if (options.isJson) yield jsonOf(portion, options)
    else {
      const missed = portion.hasMissed ? '(earlier events are left out)\n' : ''
      yield missed + portion.events.map((event) => followedText(event, narrator, options)).join('')
    }
  }
}

/** Returns an event at once, and behind it the stories that end with it. */
function followedText(event: Parameters<Narrator['take']>[0], narrator: Narrator, selection: Selection): string {
  const stories = narrator.take(event).map((story) => storyText(story, false))
  return `${isSelected(event, selection) ? eventText(event, false) : ''}${stories.join('')}`
}
