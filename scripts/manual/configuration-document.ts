/** The generated parts of docs/configuration.md. Pure. */
import { GROUPS, keysOf, variables } from './configuration-keys.ts'

interface Part {
  readonly file: string
  readonly part: string
  readonly text: () => string
}

const FILE = 'docs/configuration.md'

/** A table of each group of keys, and one of the environment. */
export const CONFIGURATION_PARTS: readonly Part[] = [
  ...GROUPS.map((group) => ({
    ...{ file: FILE, part: group.part },
    text: () =>
      table(
        ['key', 'default', 'meaning'],
        keysOf(group).map(({ key, fallback, meaning }) => [`\`${key}\``, fallback ?? 'required', meaning]),
      ),
  })),
  {
    ...{ file: FILE, part: 'environment' },
    text: () =>
      table(
        ['variable', 'key'],
        variables().map(([variable, key]) => [`\`${variable}\``, `\`${key}\``]),
      ),
  },
]

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ').replaceAll('\n', ' ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
