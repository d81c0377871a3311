/** The generated parts of docs/configuration.md. Pure. */
import type { Generated } from '../generated.ts'
import { table } from '../markdown.ts'
import { GROUPS, keysOf, variables } from './configuration-keys.ts'

const FILE = 'docs/configuration.md'

/** A table of each group of keys, and one of the environment. */
export const CONFIGURATION_PARTS: readonly Generated[] = [
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
