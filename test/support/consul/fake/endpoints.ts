// The endpoints besides the keys: sessions, ACLs, the agent and its services, snapshots.
import type { Buffer } from 'node:buffer'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Rules } from './acl.ts'
import { Refusal, type FakeAgent } from './agent.ts'
import { fields, forward, metaOf, queryOf, uuid, type Answer, type Call } from './call.ts'
import { parseDuration } from './duration.ts'
import type { Session } from './store.ts'

export async function createSession(agent: FakeAgent, call: Call): Promise<Answer> {
  const given = fields(call.body)
  await forward(agent, call)
  if (!agent.rights(call.token).may('write', 'session', agent.settings.nodeName)) {
    throw new Refusal(403, 'Permission denied')
  }
  const { name, lockdelay, behavior, ttl, checks } = given
  const ID = agent.createSession({
    ...(typeof name === 'string' ? { Name: name } : {}),
    ...(lockdelay === undefined ? {} : { LockDelay: nanoseconds(lockdelay) }),
    ...(behavior === undefined ? {} : { Behavior: behavior as Session['Behavior'] }),
    ...(typeof ttl === 'string' ? { TTL: ttl } : {}),
    ...(Array.isArray(checks) ? { NodeChecks: checks.map(String) } : {}),
  })
  return { json: { ID } }
}

/** A duration in text, nanoseconds, or, when small, seconds. */
function nanoseconds(value: unknown): number {
  const given = typeof value === 'string' ? (parseDuration(value) ?? 0) * 1e6 : Number(value)
  return given < 1_000 ? given * 1e9 : given
}

export async function destroySession(agent: FakeAgent, call: Call): Promise<Answer> {
  await forward(agent, call)
  const session = agent.store.session(uuid(call.rest))
  const rights = agent.rights(call.token)
  if (session !== undefined && !rights.may('write', 'session', session.Node))
    throw new Refusal(403, 'Permission denied')
  agent.destroySession(call.rest)
  return { json: true }
}

export async function renewSession(agent: FakeAgent, call: Call): Promise<Answer> {
  await forward(agent, call)
  const rights = agent.rights(call.token)
  const session = agent.store.session(uuid(call.rest))
  if (session === undefined) throw new Refusal(404, `Session id '${call.rest}' not found`)
  if (!rights.may('write', 'session', session.Node)) throw new Refusal(403, 'Permission denied')
  agent.renewSession(session.ID)
  return { json: [session] }
}

export async function sessions(agent: FakeAgent, call: Call, which: (session: Session) => boolean): Promise<Answer> {
  const query = queryOf(call)
  await forward(agent, call)
  const rights = agent.rights(call.token)
  const { index, found } = await agent.blocking(query, () => ({
    index: agent.store.sessionIndex,
    found: agent.store.sessions.filter((session) => which(session) && rights.may('read', 'session', session.Node)),
  }))
  return { headers: metaOf(agent, index), json: found }
}

export function addPolicy(agent: FakeAgent, call: Call): Answer {
  requireManagement(agent, call)
  const { name, rules } = fields(call.body)
  agent.addPolicy(String(name), JSON.parse(String(rules)) as Rules)
  return { json: { Name: name } }
}

export function addToken(agent: FakeAgent, call: Call): Answer {
  requireManagement(agent, call)
  const policies = (fields(call.body)['policies'] ?? []) as readonly { readonly Name: string }[]
  return { json: { SecretID: agent.addToken(policies.map(({ Name }) => Name)) } }
}

/** @throws {Refusal} */
function requireManagement(agent: FakeAgent, { token }: Call): void {
  if (!agent.rights(token).management) throw new Refusal(403, 'Permission denied')
}

export function self(agent: FakeAgent, { token }: Call): Answer {
  const { nodeName, sessionTtlMinMs } = agent.settings
  if (!agent.rights(token).may('read', 'agent', nodeName)) throw new Refusal(403, 'Permission denied')
  const Config = { Datacenter: 'dc1', NodeName: nodeName, Server: true, Version: '1.8.7' }
  return { json: { Config, DebugConfig: { SessionTTLMin: `${sessionTtlMinMs / 1_000}s` } } }
}

export function registerService(agent: FakeAgent, { body, token }: Call): Answer {
  const { name, id = name, tags = [], address = '', port = 0, enabletagoverride = false } = fields(body)
  if (typeof name !== 'string') throw new Refusal(400, 'Missing service name')
  if (!agent.rights(token).may('write', 'service', name)) {
    throw new Refusal(403, `Permission denied: Missing service:write on ${name}`)
  }
  const service = { ID: id, Service: name, Tags: tags, Port: port, Address: address }
  agent.services.set(String(id), { ...service, EnableTagOverride: enabletagoverride })
  return {}
}

export function deregisterService(agent: FakeAgent, { rest }: Call): Answer {
  agent.services.delete(rest)
  return {}
}

export function snapshot(agent: FakeAgent, call: Call): Answer {
  requireManagement(agent, call)
  if (call.method === 'GET') {
    const headers = { ...metaOf(agent, agent.store.index), 'Content-Type': 'application/x-gzip' }
    return { headers, bytes: gzipSync(agent.store.snapshot()) }
  }
  agent.restore(unzipped(call.body))
  return {}
}

/** @throws {Refusal} */
function unzipped(body: Buffer): string {
  try {
    return gunzipSync(body).toString()
  } catch {
    throw new Refusal(500, 'failed to decompress snapshot: gzip: invalid header')
  }
}
