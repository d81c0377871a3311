import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toString } from 'mdast-util-to-string'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import type { Host } from './host.ts'
import { ROOT } from '../router/package.ts'
import type { RunOptions } from '../processes/root.ts'
import { until } from '../until.ts'

/** A shell block of a README, with the block behind it that shows what it prints. */
export interface Block {
  readonly command: string
  readonly output: string | null
}

type Runs = Pick<Host, 'name' | 'ok'>

/**
 * The shell blocks under a heading of the README of a folder of examples/, in their order.
 * @throws when there is no such heading, or no block.
 */
export function readmeBlocks(example: string, heading: string): readonly Block[] {
  const text = readFileSync(join(ROOT, 'examples', example, 'README.md'), 'utf8')
  const { children } = unified().use(remarkParse).parse(text)
  let depth = 0
  const blocks: Block[] = []
  for (const [index, node] of children.entries()) {
    if (node.type === 'heading') {
      if (depth > 0 && node.depth <= depth) break
      if (depth === 0 && toString(node) === heading) depth = node.depth
    }
    if (depth === 0 || node.type !== 'code' || node.lang !== 'sh') continue
    const next = children[index + 1]
    const output = next?.type === 'code' && next.lang === 'text' ? next.value : null
    blocks.push({ command: `${node.value}\n`, output })
  }
  if (blocks.length === 0) throw new Error(`examples/${example}/README.md has no commands under "${heading}"`)
  return blocks
}

/** Matches what a README shows as output: `...` is anything, and any white space is as good as another. */
export function shown(output: string): RegExp {
  const parts = output.split('...').map((part) => {
    const words = part.split(/\s+/).filter((word) => word !== '')
    return words.map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('\\s+')
  })
  return new RegExp(`^\\s*${parts.join('[^]*?')}\\s*$`)
}

/** Runs commands of a README on a host as they stand there, in its copy of the folder; their output. */
export async function follow(host: Runs, example: string, command: string, options: RunOptions = {}): Promise<string> {
  return host.ok(`cd /root/patroni-router/examples/${example}\n${command}`, { timeoutMs: 60_000, ...options })
}

/** Follows a README below a heading: runs each of its blocks, and one that shows its output until that is what it prints. */
export async function walk(host: Runs, example: string, heading: string): Promise<void> {
  for (const { command, output } of readmeBlocks(example, heading)) {
    if (output === null) await follow(host, example, command)
    else await prints(host, example, { command, output })
  }
}

/** Waits until a block prints what it shows. @throws with what it has printed instead. */
export async function prints(host: Runs, example: string, { command, output }: Block): Promise<void> {
  const expected = shown(output ?? '...')
  const isSo = async (): Promise<boolean> => {
    const printed = await follow(host, example, command)
    if (!expected.test(printed)) throw new Error(printed)
    return true
  }
  await until(`${command.trim()} on ${host.name} prints what the README shows`, isSo, { everyMs: 200 })
}
