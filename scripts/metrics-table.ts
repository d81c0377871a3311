/** The table of docs/operations.md with every native metric, from the families themselves. Pure. */
import { NATIVE_FAMILIES } from '../src/admin/metrics/native.ts'
import { table } from './markdown.ts'

/** Returns the table: a row for each family. */
export function metricsTable(): string {
  const rows = NATIVE_FAMILIES.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  return table(['metric', 'type', 'labels', ''], rows)
}
