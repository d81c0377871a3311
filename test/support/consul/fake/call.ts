import type { Buffer } from 'node:buffer'
import { Refusal, type FakeAgent, type Query } from './agent.ts'
import { parseDuration } from './duration.ts'

/** One request and what its handlers need of it. */
export interface Call {
  readonly method: string
  /** What follows the pattern of its endpoint. */
  readonly rest: string
  readonly params: URLSearchParams
  readonly body: Buffer
  readonly token: string
  readonly signal: AbortSignal
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly bytes?: Buffer
}

/** What a read asks for. @throws {Refusal} */
export function queryOf({ params, signal }: Call): Query {
  if (params.has('stale') && params.has('consistent')) {
    throw new Refusal(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.')
  }
  const wait = params.get('wait') ?? ''
  const waitMs = wait === '' ? null : parseDuration(wait)
  if (wait !== '' && waitMs === null) throw new Refusal(400, 'Invalid wait time')
  const index = params.get('index') ?? ''
  if (!/^\d*$/.test(index)) throw new Refusal(400, 'Invalid index')
  return { index: Number(index), waitMs, signal }
}

/** To the leader, in this datacenter. @throws {Refusal} */
export async function forward(agent: FakeAgent, { params, signal, method }: Call): Promise<void> {
  if (!['', 'dc1'].includes(params.get('dc') ?? '')) throw new Refusal(500, 'No path to datacenter')
  if (method !== 'GET' || !params.has('stale')) await agent.leader(signal)
}

export function metaOf(agent: FakeAgent, index: number): Record<string, string> {
  const { knownLeader, lastContactMs } = agent.meta
  return {
    'X-Consul-Index': String(Math.max(1, index)),
    'X-Consul-KnownLeader': String(knownLeader),
    'X-Consul-LastContact': String(lastContactMs),
  }
}

/** @throws {Refusal} */
export function uuid(text: string): string {
  if (text.length === 36) return text
  throw new Refusal(500, 'failed session lookup: index error: UUID must be 36 characters')
}

/** The fields of an object in JSON, in lower case: Go takes them in any. @throws {Refusal} */
export function fields(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {}
  try {
    const object = JSON.parse(body.toString()) as Record<string, unknown>
    return Object.fromEntries(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]))
  } catch {
    throw new Refusal(400, 'Request decode failed: unexpected EOF')
  }
}
