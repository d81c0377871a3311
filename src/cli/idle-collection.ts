import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const LOOK_MS = 10_000

/**
 * Gives back the memory of many sessions when all have gone, until the returned function is called. V8 would keep it: by
 * itself it collects so small a heap not before it has grown tenfold. A collection stops everything for some 50 ms, so
 * that there is none while a session is open or a client waits, and none again before there were `enough`.
 * `connections`: how many are open.
 */
export function collectWhenIdle(
  connections: () => number,
  enough = 100,
  collect: () => void = collector(),
): () => void {
  let most = 0
  let before = 0
  const timer = setInterval(() => {
    const open = connections()
    most = Math.max(most, open)
    if (open === 0 && before === 0 && most >= enough) {
      most = 0
      collect()
    }
    before = open
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
