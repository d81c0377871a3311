// `node fake-main.ts SETTINGS.json`: stands for Consul, which Debian 12 does not have. test/integration/consul checks it
// against the real one.
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { FakeAgent, type FakeSettings } from './fake/agent.ts'
import { httpApi } from './fake/http.ts'

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FakeSettings
const { tls, port } = settings
const api = httpApi(new FakeAgent(settings))
const server =
  tls === null
    ? createHttpServer(api)
    : createHttpsServer(
        {
          ...{ cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
          ...(tls.clientCa === null ? {} : { ca: readFileSync(tls.clientCa), requestCert: true }),
        },
        api,
      )
// Idle connections stay open.
server.keepAliveTimeout = 0
server.listen(port, '127.0.0.1')
// With its connections.
process.once('SIGTERM', () => process.exit(0))
