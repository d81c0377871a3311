import { refusals, type KubeObject } from './objects.ts'

export type Selects = (object: KubeObject) => boolean

/** Returns what `labelSelector` and `fieldSelector` of a request let through. @throws {Refusal} 400 */
export function selectorOf(params: URLSearchParams): Selects {
  const labels = requirements(params.get('labelSelector') ?? '')
  const fields = requirements(params.get('fieldSelector') ?? '')
  for (const { key } of fields) {
    if (!FIELDS.includes(key)) throw refusals.badRequest(`field label not supported: ${key}`)
  }
  return ({ metadata }) =>
    labels.every(({ key, value, equal }) => (metadata.labels?.[key] === value) === equal) &&
    fields.every(({ key, value, equal }) => (metadata[key.slice('metadata.'.length)] === value) === equal)
}

/** The one name that a field selector asks for, which counts as the request's name where rights are looked up. */
export function selectedName(params: URLSearchParams): string {
  const named = requirements(params.get('fieldSelector') ?? '').find(({ key, equal }) => key === FIELDS[0] && equal)
  return named?.value ?? ''
}

const FIELDS = ['metadata.name', 'metadata.namespace']

interface Requirement {
  readonly key: string
  readonly value: string
  readonly equal: boolean
}

function requirements(selector: string): Requirement[] {
  return selector
    .split(',')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [, key = '', operator = '', value = ''] = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(\S*)\s*$/.exec(part) ?? []
      if (key === '') throw refusals.badRequest(`unable to parse requirement: ${part}`)
      return { key, value, equal: operator !== '!=' }
    })
}
