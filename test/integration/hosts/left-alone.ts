// Boots a host, prints where, and goes on until it is killed.
import { setTimeout as sleep } from 'node:timers/promises'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'

const lan = await Lan.create()
await Host.boot(lan, { name: 'left', address: '10.0.0.1/24' })
console.log(lan.path)
await sleep(600_000)
