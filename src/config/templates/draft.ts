import { isAbsolute, normalize, resolve } from 'node:path'
import { isMapping } from '../../text/unknown-shape.ts'
import type { Fault } from '../file/problem.ts'

export type Section = Readonly<Record<string, unknown>>

/** A template as far as it can be understood, whatever is wrong with it. */
export interface Draft {
  readonly index: number
  readonly section: Section
  readonly source: string | null
  readonly destination: string | null
  readonly check: string | readonly string[] | null
  readonly reload: string | readonly string[] | null
  readonly group: string | null
}

/** `directory`: absolute; where relative paths start. */
export function draftsOf(templates: unknown, directory: string): Draft[] {
  const sections: readonly unknown[] = Array.isArray(templates) ? templates : []
  return sections.flatMap((section, index): Draft[] => {
    if (!isMapping(section)) return []
    const { source, destination, check, reload, reload_group: group } = section
    return [
      {
        index,
        section,
        source: typeof source === 'string' && source !== '' ? resolve(directory, source) : null,
        destination: typeof destination === 'string' && isAbsolute(destination) ? normalize(destination) : null,
        check: isCommand(check) ? check : null,
        reload: isCommand(reload) ? reload : null,
        group: typeof group === 'string' ? group : null,
      },
    ]
  })
}

function isCommand(value: unknown): value is string | readonly string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((word) => typeof word === 'string'))
}

/** A fault of one of its keys; `debounce.min` for one below another. */
export function at({ index }: Draft, key: string, message: string): Fault {
  return { path: ['templates', String(index), ...key.split('.')], message }
}
