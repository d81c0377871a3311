/** `show stat`, `show info` and `show servers state`, with the parameters that HAProxy has for them. */
import { setImmediate } from 'node:timers/promises'
import type { Command } from '../command.ts'
import type { RouterStatus } from '../status.ts'
import { choiceOf, chosenRows, type RowChoice } from './chosen-rows.ts'
import { csvParts } from './csv.ts'
import { infoValues, renderInfo } from './info.ts'
import { infoJson, jsonParts } from './json.ts'
import { processFigures } from './process-figures.ts'
import { batches } from './rows.ts'
import { sectionsOf } from './sections.ts'
import { serversState } from './servers-state.ts'
import { typedInfoLine, typedLines } from './typed.ts'

type Format = 'csv' | 'typed' | 'json'

interface StatOptions extends RowChoice {
  readonly format: Format
  readonly isDescribed: boolean
}

/** Returns the commands that show HAProxy's statistics. `status` is called at each of them. */
export function statCommands(status: () => RouterStatus): readonly Command[] {
  return [
    {
      words: ['show', 'stat'],
      parameters: '[<proxy> <type> <sid>] [desc|json|no-maint|typed|up]*',
      help: 'report counters for each proxy and server',
      run: (args) => {
        const present = status()
        const options = statOptions(args, present)
        return typeof options === 'string' ? options : turns(statParts(present, options))
      },
    },
    {
      words: ['show', 'servers', 'state'],
      parameters: '[<backend>]',
      help: 'dump volatile server information (all or for a single backend)',
      run: ([backend]) => {
        const present = status()
        const sections = [...sectionsOf(present)].filter(({ name }) => backend === undefined || name === backend)
        if (backend !== undefined && sections.length === 0) return "Can't find backend.\n"
        return serversState(sections, present.now)
      },
    },
  ]
}

/** Returns `show info`. */
export function infoCommand(status: () => RouterStatus): Command {
  return {
    words: ['show', 'info'],
    parameters: '[desc|json|typed]*',
    help: 'report information about the running process',
    run: (args) => {
      const values = infoValues(status(), processFigures())
      const isDescribed = args.includes('desc')
      switch (formatOf(args)) {
        case 'json':
          return infoJson(values)
        case 'typed':
          return values.map((value) => typedInfoLine(value, isDescribed)).join('')
        case 'csv':
          return renderInfo(values, isDescribed)
      }
    },
  }
}

/** Returns the form of the answer. Like in HAProxy the last word counts, and other words mean nothing. */
function formatOf(words: readonly string[]): Format {
  return words.findLast((word) => word === 'typed' || word === 'json') ?? 'csv'
}

function statOptions(args: readonly string[], status: RouterStatus): StatOptions | string {
  const [first, domain] = args
  if (first === 'domain' && domain !== 'proxy') return 'Invalid statistics domain.\n'
  const rest = first === 'domain' ? args.slice(2) : args
  const [proxy, kinds, server] = rest
  const isBound = proxy !== undefined && kinds !== undefined && server !== undefined
  const id = isBound ? proxyId(proxy, status) : -1
  if (id === 0) return 'No such proxy.\n'
  const words = isBound ? rest.slice(3) : rest
  return {
    format: formatOf(words),
    isDescribed: words.includes('desc'),
    ...choiceOf(words),
    ...(isBound ? { proxy: id, kinds: asInteger(kinds), server: asInteger(server) } : {}),
  }
}

function proxyId(proxy: string, status: RouterStatus): number {
  for (const { name, id } of sectionsOf(status)) if (name === proxy) return id
  return asInteger(proxy)
}

/** Returns a number as atoi(3) does. */
function asInteger(text: string): number {
  return Number(/^[+-]?\d+/.exec(text)?.[0] ?? 0)
}

function* statParts(status: RouterStatus, options: StatOptions): Generator<string> {
  const sections = chosenRows(status, options)
  const { format, isDescribed } = options
  switch (format) {
    case 'json':
      yield* jsonParts(sections)
      yield '\n'
      return
    case 'typed':
      for (const rows of batches(sections)) yield rows.map((row) => typedLines(row, isDescribed)).join('')
      return
    case 'csv':
      yield* csvParts(sections)
  }
}

/** Returns the parts, each in a turn of the event loop of its own. */
async function* turns(parts: Iterable<string>): AsyncGenerator<string> {
  for (const part of parts) {
    yield part
    await setImmediate()
  }
}
