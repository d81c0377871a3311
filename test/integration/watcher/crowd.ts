// The members of one large cluster, in a process of their own: `node crowd.ts SIZE ETCD`, with IPC. Each has
// an address of 127.0.0.0/8 for itself; one port of all of these answers as their REST API, and one as their Postgres.
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { SYSTEM_ID } from './fake-member.ts'
import { EtcdClient } from '../../support/etcd/client.ts'

/** The message to the process; it answers `done`. */
export type CrowdOrder =
  /** All keys are written, with the WAL's position, as Patroni does in each of its loops; `singly`: each by itself. */
  | { readonly type: 'beat'; readonly position: number; readonly singly?: true }
  | { readonly type: 'lead'; readonly member: number }
  | { readonly type: 'leave'; readonly member: number }

const [size, endpoint = ''] = [Number(process.argv[2]), process.argv[3]]
const PREFIX = '/service/demo/'
/** So many operations a transaction of etcd may have. */
const MAX_OPS = 128

const client = new EtcdClient(endpoint)
const [rest, postgres] = [createHttpServer(), createServer()]
let [leader, timeline, position] = [0, 1, 100]

rest.on('request', (request, response) => {
  const member = memberAt(request.socket.localAddress ?? '')
  const leads = member === leader
  response.statusCode = (request.url === '/primary') === leads ? 200 : 503
  response.end(
    JSON.stringify({
      state: 'running',
      role: leads ? 'primary' : 'replica',
      timeline,
      xlog: leads ? { location: position } : { replayed_location: position },
      database_system_identifier: SYSTEM_ID,
      patroni: { version: '4.1.4', scope: 'demo', name: nameOf(member) },
    }),
  )
})
postgres.on('connection', (socket) => {
  socket.on('error', () => undefined)
  socket.once('data', () => socket.end('R\0\0\0\x17\0\0\0\x0a'))
})
for (const server of [rest, postgres]) await new Promise<void>((done) => server.listen(0, '0.0.0.0', done))
await write([
  ...everyKey(),
  ['initialize', SYSTEM_ID],
  ['config', JSON.stringify({ ttl: 30, loop_wait: 10 })],
  ['leader', nameOf(leader)],
])
process.send?.('done')
process.on('message', (order: CrowdOrder) => {
  void carryOut(order).then(() => process.send?.('done'))
})
process.once('disconnect', () => process.exit())

async function carryOut(order: CrowdOrder): Promise<void> {
  switch (order.type) {
    case 'beat':
      position = order.position
      if (order.singly === true)
        await Promise.all(everyKey().map(([key, value]) => client.put(`${PREFIX}${key}`, value)))
      else await write(everyKey())
      break
    case 'lead':
      leader = order.member
      timeline++
      await write([['leader', nameOf(leader)]])
      break
    case 'leave':
      await client.delete(`${PREFIX}members/${nameOf(order.member)}`)
  }
}

function everyKey(): (readonly [string, string])[] {
  return Array.from({ length: size }, (_, member) => {
    const [host, leads] = [`127.1.${member >> 8}.${member & 255}`, member === leader]
    const value = {
      conn_url: `postgres://${host}:${portOf(postgres)}/postgres`,
      api_url: `http://${host}:${portOf(rest)}/patroni`,
      ...{ state: 'running', role: leads ? 'primary' : 'replica', version: '4.1.4', timeline },
      xlog_location: position,
    }
    return [`members/${nameOf(member)}`, JSON.stringify(value)]
  })
}

async function write(keys: readonly (readonly [string, string])[]): Promise<void> {
  for (let at = 0; at < keys.length; at += MAX_OPS) {
    const success = keys.slice(at, at + MAX_OPS).map(([key, value]) => {
      return { request_put: { key: base64(PREFIX + key), value: base64(value) } }
    })
    await client.call('kv/txn', { success })
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function nameOf(member: number): string {
  return `pg${String(member).padStart(4, '0')}`
}

function memberAt(address: string): number {
  const [, , high = 0, low = 0] = address.split('.').map(Number)
  return high * 256 + low
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}
