// A router that measures itself: `node bench/proxy/connection-log-main.ts CONFIG`, with IPC. CONFIG is JSON; its log is standard output.
import { Router } from '../../src/router.ts'
import { openLog } from '../../src/cli/log.ts'
import { loadConfig } from '../../src/config/load.ts'
import { DCS_KINDS } from '../../src/watcher/dcs/kinds.ts'

/** The message to the process: whether connections are logged from now on. Its answer: the microseconds of CPU since its start. */
export interface Switch {
  readonly connections: boolean
}

const loaded = loadConfig({ file: null, text: process.argv[2] ?? '', env: {} }, DCS_KINDS)
if (!loaded.ok) throw new Error(JSON.stringify(loaded))
const { config } = loaded
const { log, configure, output } = openLog({ level: 'info', format: 'json' }, { columns: () => null, env: {} })
const router = new Router(config, {
  ...{ version: '0.0.0', pid: process.pid, env: {}, signalGroup: () => false, isAlive: () => false },
  ...{ log, setLogging: configure, logOutput: output, kinds: DCS_KINDS },
})
await router.start()
process.on('message', ({ connections }: Switch) => {
  void router.reconfigure({ ...config, logging: { ...config.logging, connections } }).then(() => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
})
process.once('disconnect', () => process.exit())
