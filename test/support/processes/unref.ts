import type { ChildProcess } from 'node:child_process'

/** Lets this process end without waiting for a child, or for a stream of it. */
export function unref(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr])
    if (stream !== null && 'unref' in stream) (stream as { unref(): void }).unref()
}
