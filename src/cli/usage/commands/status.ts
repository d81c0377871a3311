import { CONFIG, INVALID, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const STATUS: CommandUsage = {
  name: 'status',
  summary: 'show the clusters as the running router sees them',
  about: [
    'Queries the running router on its admin socket. The first line says which member is the primary and why, or why there is none.',
  ],
  options: [
    CONFIG,
    SOCKET,
    { long: 'cluster', value: { name: 'NAME', kind: 'name' }, about: 'show only this cluster' },
    { long: 'json', about: 'print everything as one line of JSON, described by `docs/status.schema.json`' },
    {
      short: 'w',
      long: 'watch',
      value: { name: 'SECONDS', kind: 'seconds', isOptional: true },
      about: 'repeat until Ctrl-C, every 2 seconds unless another interval is given',
    },
  ],
  exits: [
    { exit: 'ok', when: 'every cluster shown has a primary that accepts connections' },
    {
      exit: 'failed',
      when: 'a cluster has none, its new connections are held by request, or the router is shutting down',
    },
    { ...INVALID, when: `${INVALID.when}, or there is no such cluster` },
    { exit: 'noRouter', when: 'no router answers on the admin socket' },
  ],
  examples: [
    { about: 'every second', text: 'patroni-router status --watch 1' },
    {
      about: 'in a script',
      text: 'patroni-router status --json | jq .clusters[0].primary',
    },
  ],
}
