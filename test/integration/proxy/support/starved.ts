// A proxy in a process of its own, with few file descriptors: `starved.ts PORT` routes to PORT of this machine. Prints
// a JSON line for its address, for each failed dial and for each line of its log.
import { pino } from 'pino'
import { Proxy } from '../../../../src/proxy/proxy.ts'
import { PRIMARY, proxyConfig } from './scene.ts'
import { openView } from './views.ts'

const say = (what: object): void => console.log(JSON.stringify(what))
const proxy = new Proxy({
  config: proxyConfig({ listeners: [PRIMARY] }),
  log: pino({ level: 'info' }, { write: (line: string) => say(JSON.parse(line) as object) }),
  dialFailed: (failure) => say({ event: 'dial-failed', ...failure }),
})
await proxy.start()
proxy.apply(openView('pg1', { host: '127.0.0.1', port: Number(process.argv[2]) }, 1))
