/** The demo on a terminal: draws the screen in place and takes keys, until the person has had enough. */
import { explain } from '../../errors.ts'
import { helpOf, type Hint } from './hints.ts'
import type { DemoMember } from '../member.ts'
import type { Demo } from '../demo.ts'
import { type Condition, renderScreen } from './screen.ts'

/** The alternate screen, without a cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J'
const LEAVE = '\x1b[?25h\x1b[?1049l'
/** Between the two the terminal shows nothing half-drawn, if it supports that. */
const FRAME = { begin: '\x1b[?2026h\x1b[H', end: '\x1b[J\x1b[?2026l' }

const REDRAW_MS = 1000
/** Events come in bursts. */
const EVENT_REDRAW_MS = 80

/** What the demo needs of a terminal; `cli/io.ts` has it. */
export interface Terminal {
  out(text: string): void
  readonly columns: () => number | null
  readonly rows: () => number | null
  /** Returns null if there is no terminal. */
  onKey(handler: (key: string) => void): (() => void) | null
  /** Aborted when the output has no reader any more. */
  readonly outputLost: AbortSignal
}

export interface LiveOptions {
  readonly demo: Demo
  readonly hints: readonly Hint[]
  readonly terminal: Terminal
  /** Ends it. */
  readonly quit: AbortController
}

/** Resolves when `quit` is aborted, by a key or from outside, and the terminal is as before; false: there is none. */
export async function showLive({ demo, hints, terminal, quit }: LiveOptions): Promise<boolean> {
  const stopReading = terminal.onKey((key) => press(key, demo, quit))
  if (stopReading === null) return false
  let size = ''
  const draw = (): void => {
    const [columns, rows] = [terminal.columns() ?? 80, terminal.rows() ?? 24]
    const conditions = new Map(demo.cluster.members.map((member) => [member.name, conditionOf(member)]))
    const { blocking, lockExpiresAt } = demo.cluster
    const facts = { status: demo.status(), conditions, blocking, lockExpiresAt, events: demo.events.all }
    const lines = renderScreen({ ...facts, hints, columns, rows })
    // A terminal that has another size now may have wrapped what was there.
    const clear = size === `${columns}x${rows}` ? '' : '\x1b[2J'
    size = `${columns}x${rows}`
    // A line as wide as the screen leaves nothing to erase; erasing would take its last character.
    const text = lines.map((line) => emphasised(line) + (line.length < columns ? '\x1b[K' : '')).join('\r\n')
    terminal.out(`${FRAME.begin}${clear}${text}${FRAME.end}`)
  }
  const pending: { timer: NodeJS.Timeout | null } = { timer: null }
  const unsubscribe = demo.events.subscribe(() => {
    pending.timer ??= setTimeout(() => {
      pending.timer = null
      draw()
    }, EVENT_REDRAW_MS)
  })
  const timer = setInterval(draw, REDRAW_MS)
  try {
    terminal.out(ENTER)
    draw()
    await aborted(AbortSignal.any([quit.signal, terminal.outputLost]))
  } finally {
    clearInterval(timer)
    if (pending.timer !== null) clearTimeout(pending.timer)
    unsubscribe()
    stopReading()
    terminal.out(LEAVE)
  }
  return true
}

function conditionOf({ condition, takesWrites }: DemoMember): Condition {
  return condition === 'frozen' && takesWrites ? 'writes' : condition
}

function emphasised(line: string): string {
  return /^(patroni-router demo|primary):/.test(line) ? `\x1b[1m${line}\x1b[22m` : line
}

function press(key: string, { cluster, events }: Demo, quit: AbortController): void {
  const say = (text: string): void => events.add('you', text)
  const sayLater = (action: Promise<string>): void =>
    void action.then(say, (error: unknown) => say(`that failed: ${explain(error)}`))
  switch (key.toLowerCase()) {
    case 's':
      say(cluster.switchover())
      break
    case 'c':
      sayLater(cluster.crashLeader())
      break
    case 'f':
      say(cluster.freezeLeader())
      break
    case 'b':
      sayLater(cluster.bringBack())
      break
    // In raw mode Ctrl-C and Ctrl-D are keys.
    case 'q':
    case '\x03':
    case '\x04':
      quit.abort()
      break
    case '?':
    case 'h':
      for (const line of helpOf(cluster.serverVersion)) events.add('cluster', line)
      break
    default:
      say(`${JSON.stringify(key)} is not a key of the demo: press ? for help`)
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
