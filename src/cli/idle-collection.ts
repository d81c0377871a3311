import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 10_000

export interface Connections {
  /** Sessions, and clients that wait. */
  readonly open: number
  /** All since the start. */
  readonly accepted: number
}

/**
 * Gives back the memory of many sessions when all have gone, until the returned function is called. V8 would keep it: by
 * itself it collects so small a heap not before it has grown tenfold. A collection stops everything for some 50 ms, so
 * that there is none while a session is open or a client waits, and none again before `enough` have been accepted.
 */
export function collectWhenIdle(
  connections: () => Connections,
  enough = 100,
  collect: () => void = collector(),
): () => void {
  let collectedAt = 0
  let wasIdle = false
  const timer = setInterval(() => {
    const { open, accepted } = connections()
    const isIdle = open === 0
    if (isIdle && wasIdle && accepted - collectedAt >= enough) {
      collectedAt = accepted
      collect()
    }
    wasIdle = isIdle
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: object) => void
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
