// The plainest proxy that Node can be, to compare with: `node pipe.ts PORT TARGET`, both on 127.0.0.1.
import { connect, createServer } from 'node:net'

const [port = 0, target = 0] = process.argv.slice(2).map(Number)
const host = '127.0.0.1'

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const backend = connect({ host, port: target, allowHalfOpen: true, noDelay: true })
  client.pipe(backend)
  backend.pipe(client)
  client.on('error', () => backend.destroy())
  backend.on('error', () => client.destroy())
  client.on('close', () => backend.destroy())
  backend.on('close', () => client.destroy())
})
server.listen({ port, host, backlog: 4096 })
