/** The events that are kept in `state_dir`: the names of the files, and what earlier runs have left in them. */
import { routerFile, type RouterPlace } from '../state-dir.ts'
import { readTextFile } from '../text-file.ts'
import type { Kept } from './history.ts'

/** A file that would become larger takes the place of the one before it. Both together hold about what the history does. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024

/** Returns the file of the newest events. */
export function eventFile(place: RouterPlace): string {
  return routerFile(place, 'events', 'jsonl')
}

/** Returns the file of those before. */
export function formerEventFile(place: RouterPlace): string {
  return `${eventFile(place)}.1`
}

/**
 * Returns the events that were kept, the oldest first. Damaged lines, such as the last one of a router that was killed, are left
 * out. `problems`: why a file could not be read, with its name. Never rejects.
 */
export async function readKeptEvents(
  place: RouterPlace,
): Promise<{ readonly events: readonly Kept[]; readonly problems: readonly string[] }> {
  const events: Kept[] = []
  const problems: string[] = []
  for (const path of [formerEventFile(place), eventFile(place)]) {
    // Two routers at a time may have made it larger than either would.
    const file = await readTextFile(path, 2 * MAX_FILE_BYTES, { isDamaged: true })
    if (file.kind === 'unusable') problems.push(`${path} ${file.reason}`)
    if (file.kind === 'text') events.push(...file.text.split('\n').flatMap((line) => parseKept(line) ?? []))
  }
  return { events: inOrder(events), problems }
}

/** Returns an event as a line of the file. */
export function keptText({ seq, line }: Kept): string {
  return `{"seq":${seq},${line.slice(1).trimEnd()}\n`
}

function parseKept(text: string): Kept | null {
  const [, seq, rest = ''] = LINE.exec(text) ?? []
  return seq === undefined ? null : { seq: Number(seq), line: `{${rest}` }
}

const LINE = /^\{"seq":(\d{1,16}),("level":.*\})$/

/** Returns them by number, each once: after a write that has failed half-way the same lines are written again. */
function inOrder(events: readonly Kept[]): readonly Kept[] {
  return events.toSorted((a, b) => a.seq - b.seq).filter(({ seq }, at, all) => seq !== all[at - 1]?.seq)
}
