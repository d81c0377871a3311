// The readers of a router: `node bench/proxy/observers-main.ts PORT`, with IPC. Until it is disconnected it reads the stream of events
// 100 times and /metrics 10 times a second, and reports what it has had when it is sent a message.
import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** What the observers have had since they were asked last. */
export interface Observed {
  readonly scrapes: number
  readonly events: number
}

const READERS = 100
const SCRAPES_PER_S = 10

const port = Number(process.argv[2])
let [scrapes, events, streams] = [0, 0, 0]

function at(path: string, chunk: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answers ${answer.statusCode}`))
      answer.setEncoding('utf8').on('data', chunk).once('end', resolve)
    })
    request.once('error', reject)
  })
}

function stream(): void {
  let isNew = true
  void at('/api/v1/events/stream', (text) => {
    if (isNew) streams++
    isNew = false
    events += text.split('\ndata:').length - 1
  })
}

for (let reader = 0; reader < READERS; reader++) stream()
process.on('message', () => {
  process.send?.({ scrapes, events })
  ;[scrapes, events] = [0, 0]
})
process.once('disconnect', () => process.exit())
while (streams < READERS) await sleep(10)
process.send?.({ scrapes, events })
for (let next = performance.now(); ; next += 1000 / SCRAPES_PER_S) {
  await at('/metrics', () => undefined)
  scrapes++
  await sleep(Math.max(0, next - performance.now()))
}
