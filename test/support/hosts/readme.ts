import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'
import { ROOT } from '../router/package.ts'
import type { RunOptions } from '../processes/root.ts'

/** The ```sh blocks of the README of a folder of examples/, in their order. @throws when there is none. */
export function readmeCommands(example: string): readonly string[] {
  const text = readFileSync(join(ROOT, 'examples', example, 'README.md'), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  if (blocks.length === 0) throw new Error(`examples/${example}/README.md has no commands`)
  return blocks
}

/** Runs commands of a README on a host as they stand there, in its copy of the folder; their output. */
export async function follow(host: Host, example: string, block: string, options: RunOptions = {}): Promise<string> {
  return host.ok(`cd /root/patroni-router/examples/${example}\n${block}`, { timeoutMs: 60_000, ...options })
}
