// `node bench/proxy/bytes.ts [--sessions 50] [--mb 100] [--seed 0] [--fallback]`: asserts that sessions through the router get all
// bytes in order, both ways, with slow readers and writers and half-closes, on the Node that runs it.
import { parseArgs } from 'node:util'
import { counted } from '../../src/text/wording.ts'
import { Scene } from '../../test/integration/proxy/support/scene.ts'
import { hideOnread, planOf, StreamServer } from '../../test/integration/proxy/support/streams.ts'
import { openView } from '../../test/integration/proxy/support/views.ts'

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '50' },
    mb: { type: 'string', default: '100' },
    seed: { type: 'string', default: '0' },
    fallback: { type: 'boolean', default: false },
  },
})
const [sessions, mb, seed] = [values.sessions, values.mb, values.seed].map(Number)
if (sessions === undefined || mb === undefined || seed === undefined) throw new Error('unreachable')

if (values.fallback) hideOnread()
const scene = new Scene()
const server = await StreamServer.create(scene)
const rig = await scene.proxy()
rig.proxy.apply(openView('pg1', server.fake.address, 1))
const plans = Array.from({ length: sessions }, (_, n) => planOf(seed + n, mb * 1024 * 1024))
const since = performance.now()
const bytes = await server.exchange(scene, rig, plans).catch((error: unknown) => {
  // A session that the router has ended by a rule of its own is something else than bytes that are lost.
  console.error('sessions that the router has ended:', rig.proxy.status().endings)
  throw error
})
const seconds = (performance.now() - since) / 1000
await scene.clear()
const how = values.fallback ? 'without onread' : 'with onread'
console.log(
  `Node ${process.version} ${how}: ${counted(sessions, 'session')} with ${(bytes / 1e9).toFixed(2)} GB arrived as sent (${seconds.toFixed(0)} s)`,
)
