import { Buffer } from 'node:buffer'
import { Refusal, type FakeAgent } from './agent.ts'
import { forward, metaOf, queryOf, uuid, type Answer, type Call } from './call.ts'
import type { Listing } from './store.ts'

const MAX_VALUE_BYTES = 512 * 1024
const MAX_VALUE_HELP = 'https://www.consul.io/docs/agent/options.html#kv_max_value_size'

/** Handles `/v1/kv/`. */
export async function keys(agent: FakeAgent, call: Call): Promise<Answer> {
  if (call.method === 'GET') return getKeys(agent, call)
  return call.method === 'PUT' ? putKey(agent, call) : deleteKey(agent, call)
}

async function getKeys(agent: FakeAgent, call: Call): Promise<Answer> {
  const query = queryOf(call)
  const { params, rest: key } = call
  const many = params.has('recurse') || params.has('keys')
  if (!many && key === '') throw new Refusal(400, 'Missing key name')
  await forward(agent, call)
  const rights = agent.rights(call.token)
  const look = (): Listing => {
    if (!many && !rights.may('read', 'key', key)) throw new Refusal(403, 'Permission denied')
    const { index, entries } = many ? agent.store.list(key) : agent.store.get(key)
    return { index, entries: entries.filter(({ Key }) => rights.may('read', 'key', Key)) }
  }
  const { index, entries } = await agent.blocking(query, look)
  const headers = metaOf(agent, index)
  if (entries.length === 0 && !(params.has('keys') && key === '')) return { status: 404, headers }
  if (params.has('keys')) return { headers, json: cut(key, params.get('separator') ?? '', entries) }
  const [first] = entries
  if (!params.has('raw') || many) return { headers, json: entries }
  return { headers: { ...headers, 'Content-Type': 'text/plain' }, bytes: Buffer.from(first?.Value ?? '', 'base64') }
}

/** The keys as far as to the separator that follows the prefix, each once. */
function cut(prefix: string, separator: string, entries: Listing['entries']): string[] {
  const upTo = ({ Key }: { readonly Key: string }) => {
    const at = separator === '' ? -1 : Key.indexOf(separator, prefix.length)
    return at === -1 ? Key : Key.slice(0, at + separator.length)
  }
  return [...new Set(entries.map(upTo))]
}

async function putKey(agent: FakeAgent, call: Call): Promise<Answer> {
  const { params, rest: key, body } = call
  if (key === '') throw new Refusal(400, 'Missing key name')
  refuseConflict(params, 'cas', 'acquire', 'release')
  const write = { Flags: count(params.get('flags') ?? '0'), Value: body.length === 0 ? null : body.toString('base64') }
  const cas = params.get('cas')
  const index = cas === null ? null : count(cas)
  if (body.length > MAX_VALUE_BYTES) {
    const sizes = `Request body(${body.length} bytes) too large, max size: ${MAX_VALUE_BYTES} bytes.`
    throw new Refusal(413, `${sizes} See ${MAX_VALUE_HELP}.`)
  }
  await forward(agent, call)
  if (!agent.rights(call.token).may('write', 'key', key)) throw new Refusal(403, 'Permission denied')
  const { store } = agent
  const [acquire, release] = [params.get('acquire'), params.get('release')]
  if (index !== null) return { json: store.putIf(key, index, write) }
  if (acquire === '' || release === '') throw new Refusal(500, 'missing session')
  if (release !== null) return { json: store.release(key, release, write) }
  if (acquire === null) return { json: store.put(key, write) }
  if (store.session(uuid(acquire)) === undefined) throw new Refusal(500, `invalid session "${acquire}"`)
  return { json: store.acquire(key, acquire, write) }
}

async function deleteKey(agent: FakeAgent, call: Call): Promise<Answer> {
  const { params, rest: key } = call
  refuseConflict(params, 'recurse', 'cas')
  const tree = params.has('recurse')
  if (!tree && key === '') throw new Refusal(400, 'Missing key name')
  const cas = params.get('cas')
  const index = cas === null ? null : count(cas)
  await forward(agent, call)
  const rights = agent.rights(call.token)
  if (!(tree ? rights.mayWriteTree(key) : rights.may('write', 'key', key))) throw new Refusal(403, 'Permission denied')
  if (index !== null) return { json: agent.store.deleteIf(key, index) }
  return { json: tree ? agent.store.deleteTree(key) : agent.store.delete(key) }
}

/** @throws {Refusal} */
function refuseConflict(params: URLSearchParams, ...names: readonly string[]): void {
  if (names.filter((name) => params.has(name)).length < 2) return
  const sorted = new URLSearchParams(params)
  sorted.sort()
  throw new Refusal(400, `Conflicting flags: ${sorted.toString()}`)
}

/** @throws {Refusal} */
function count(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Refusal(500, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
}
