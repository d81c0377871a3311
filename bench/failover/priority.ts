import { execFileSync } from 'node:child_process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives this process, and none that it has started, the CPU whenever it wants it, until the result is disposed of. For a
 * case in which a thousand PostgreSQL processes end at once: on a machine that they share with us they would keep us
 * from seeing when what happened, and a nice value does not help where each of them is a scheduling group of its own
 * (sched_autogroup). Only root may; `granted` says whether it did.
 */
export function takePrecedence(): Disposable & { readonly granted: boolean } {
  const granted = schedule('--rr', '1')
  return { granted, [Symbol.dispose]: () => granted && schedule('--other', '0') }
}

function schedule(policy: string, priority: string): boolean {
  try {
    // All threads: the collector's helpers too, for which the main one may have to wait.
    execFileSync('chrt', ['--all-tasks', policy, '--pid', priority, String(process.pid)], { stdio: 'ignore' })
    return true
  } catch {
    // Not root, or in a container that may not.
    return false
  }
}

/** Collects garbage now rather than during a measurement. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc()')
}
