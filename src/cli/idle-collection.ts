import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Router } from '../router.ts'

const LOOK_MS = 10_000
/** Without a connection for so many looks; then it is not a pause between two of them. */
const IDLE_LOOKS = 4

/**
 * Gives back the memory of many sessions when all have gone, until the returned function is called. V8 would keep it: by
 * itself it collects so small a heap not before it has grown tenfold. A collection stops everything for some 50 ms, and V8
 * forgets with the last session what it had optimized for one: a connection costs a quarter more until that is there again. So
 * there is none before 30 s have passed without a session or a client that waits, and none again before `enough` have been
 * accepted.
 */
export function collectWhenIdle(
  connections: () => Router['connections'],
  enough = 100,
  collect: () => void = collector(),
): () => void {
  let collectedAt = 0
  let idle = 0
  let before = 0
  const timer = setInterval(() => {
    const { open, accepted } = connections()
    // Connections that have come and gone between two looks count as well.
    idle = open === 0 && accepted === before ? idle + 1 : 0
    before = accepted
    if (idle < IDLE_LOOKS || accepted - collectedAt < enough) return
    collectedAt = accepted
    collect()
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
