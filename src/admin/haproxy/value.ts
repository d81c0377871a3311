/** How HAProxy writes a value, and where it comes from: origin, nature and scope (management guide, 9.1.1). Pure. */
import { visible } from '../../text/terminal.ts'

const ORIGINS: Readonly<Record<string, string>> = { M: 'Metric', S: 'Status', K: 'Key', C: 'Config', P: 'Product' }
const NATURES: Readonly<Record<string, string>> = {
  ...{ G: 'Gauge', L: 'Limit', m: 'Min', M: 'Max', R: 'Rate', C: 'Counter', D: 'Duration', A: 'Age', T: 'Time' },
  ...{ N: 'Name', O: 'Output', a: 'Avg' },
}
const SCOPES: Readonly<Record<string, string>> = { C: 'Cluster', P: 'Process', S: 'Service', s: 'System' }

/** Returns what the three letters of `show stat typed` mean, as its JSON has it. */
export function tagsJson(tags: string): { readonly origin: string; readonly nature: string; readonly scope: string } {
  const [origin = '', nature = '', scope = ''] = tags
  return {
    origin: ORIGINS[origin] ?? 'Unknown',
    nature: NATURES[nature] ?? 'Unknown',
    scope: SCOPES[scope] ?? 'Unknown',
  }
}

/** Returns a value in one line: a number is a whole one there, as in HAProxy. */
export function plain(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value)) : visible(value)
}
