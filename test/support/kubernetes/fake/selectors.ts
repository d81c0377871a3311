import { refusals, type KubeObject } from './objects.ts'

export type Selects = (object: KubeObject) => boolean

/** Returns what `labelSelector` and `fieldSelector` of a request let through. @throws {Refusal} 400 */
export function selectorOf(params: URLSearchParams): Selects {
  const labels = requirements(params.get('labelSelector') ?? '')
  const fields = requirements(params.get('fieldSelector') ?? '')
  for (const { key } of fields) {
    if (FIELDS.includes(key)) continue
    throw refusals.badRequest(`"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`)
  }
  return ({ metadata }) =>
    labels.every((label) => holds(label, metadata.labels?.[label.key])) &&
    fields.every((field) => holds(field, metadata[field.key.slice('metadata.'.length)]))
}

/** The one name that a field selector asks for, which counts as the request's name where rights are looked up. */
export function selectedName(params: URLSearchParams): string {
  const named = requirements(params.get('fieldSelector') ?? '').find(({ key, equal }) => key === FIELDS[0] && equal)
  return named?.value ?? ''
}

const FIELDS = ['metadata.name', 'metadata.namespace']

interface Requirement {
  readonly key: string
  /** null: any, or none at all where it is not `equal`. */
  readonly value: string | null
  readonly equal: boolean
}

/** Sets, as `a in (b,c)`, are not read: nothing here uses them. */
function requirements(selector: string): Requirement[] {
  return selector
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, not = '', key = '', operator, value = ''] =
        /^\s*(!?)\s*([^=!\s]+)\s*(?:(==|=|!=)\s*([^=\s]*)\s*)?$/.exec(part) ?? []
      if (key === '') throw refusals.badRequest(`unable to parse requirement: ${part}`)
      if (operator === undefined) return { key, value: null, equal: not === '' }
      return { key, value, equal: operator !== '!=' }
    })
}

function holds({ value, equal }: Requirement, actual: unknown): boolean {
  return (value === null ? actual !== undefined : actual === value) === equal
}
