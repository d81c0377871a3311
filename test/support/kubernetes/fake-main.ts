// `node fake-main.ts SETTINGS.json`: stands for Kubernetes' API server, which Debian 12 does not have.
// test/integration/kubernetes checks it against the real one.
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { FakeApi, type FakeSettings } from './fake/api.ts'

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as FakeSettings
const { tls, port, host = '127.0.0.1', socket } = settings
const { listener } = new FakeApi(settings)
const server =
  tls === null
    ? createHttpServer(listener)
    : createHttpsServer(
        {
          ...{ cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
          ...{ ca: readFileSync(tls.clientCa), requestCert: true, rejectUnauthorized: false },
        },
        listener,
      )
// Idle connections stay open.
server.keepAliveTimeout = 0
server.listen(port, host)
// Whoever may reach the file, from another network too.
if (socket !== undefined) createHttpServer(listener).listen({ path: socket, writableAll: true })
// With its connections.
process.once('SIGTERM', () => process.exit(0))
