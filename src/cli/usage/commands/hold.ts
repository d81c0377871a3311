import { CLUSTER, CONFIG, INVALID, SOCKET } from '../options.ts'
import type { CommandUsage, ExitUsage } from '../types.ts'

const EXITS: readonly ExitUsage[] = [
  { exit: 'ok', when: 'it is so' },
  { exit: 'failed', when: 'the router refuses it, for example because there is no such listener' },
  INVALID,
  { exit: 'noRouter', when: 'no router answers on the admin socket' },
]

export const HOLD: CommandUsage = {
  name: 'hold',
  summary: 'hold new clients, as PAUSE of PgBouncer does',
  about: [
    'Has the running router hold the new clients of a listener, or of all, whatever its members could serve. Sessions stay, and clients wait until `release`, or until the time is over. None of them is refused for its wait: `hold.timeout` counts from the end. `hold.max_connections` limits how many can wait.',
    'It holds over a reload and, with a `state_dir`, over a restart of the router. Of a listener that is held already only the end changes.',
  ],
  operand: { name: 'LISTENER', isOptional: true, about: 'the listener (default: all listeners of the cluster)' },
  options: [
    CONFIG,
    SOCKET,
    {
      long: 'for',
      value: { name: 'TIME', kind: 'duration' },
      about: 'release them after this time, such as 90s or 10m, 1h at most (default: 5m)',
    },
    CLUSTER,
  ],
  exits: EXITS,
  examples: [
    {
      about: 'a switchover that no client notices, but for a pause',
      text: `patroni-router hold primary --for 2m
patronictl switchover --force
patroni-router release primary`,
    },
  ],
}

export const RELEASE: CommandUsage = {
  name: 'release',
  summary: 'let the clients through that are held by request',
  about: [
    'Ends `hold`. Clients that no member can serve at present stay held, and have the usual `hold.timeout` from then.',
  ],
  operand: { name: 'LISTENER', isOptional: true, about: 'the listener (default: all listeners of the cluster)' },
  options: [CONFIG, SOCKET, CLUSTER],
  exits: EXITS,
  examples: [{ about: 'release all listeners', text: 'patroni-router release' }],
}
