import { CONFIG, INVALID, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const SESSIONS: CommandUsage = {
  name: 'sessions',
  summary: 'list the sessions, or close some of them',
  about: [
    'Queries the running router on its admin socket. Without options all sessions are listed, the oldest first and 10,000 at most; each option leaves only those that match. `sessions close` closes those that match, both sides; their clients get no message, as when a server crashes. It needs at least one of these options, or --all.',
  ],
  argument: {
    name: 'ACTION',
    isOptional: true,
    choices: [{ name: 'close', about: 'close them instead of listing them' }],
  },
  options: [
    CONFIG,
    SOCKET,
    { long: 'member', value: { name: 'NAME', kind: 'name' }, about: 'only sessions on this member' },
    {
      long: 'client',
      value: { name: 'ADDRESS', kind: 'name' },
      about: 'only sessions of clients with this IP address, or by the Unix socket with this path',
    },
    { long: 'listener', value: { name: 'NAME', kind: 'name' }, about: 'only sessions of this listener' },
    {
      long: 'cluster',
      value: { name: 'NAME', kind: 'name' },
      about: 'only sessions of this cluster; needed to close those of a member or listener whose name is in several',
    },
    { long: 'id', value: { name: 'ID', kind: 'name' }, about: 'only this session, such as 0x1f' },
    { long: 'all', about: 'with close: all sessions of all clusters' },
    {
      long: 'json',
      about:
        'print one line of JSON: `now`, `total`, and `sessions` with `id`, `cluster`, `listener`, `route`, `member`, `server`, `client`, `since`, `bytesIn` and `bytesOut`',
    },
  ],
  exits: [
    { exit: 'ok', when: 'they were listed or closed, also if there are none' },
    { exit: 'failed', when: 'the router refuses it, for example because there is no such member' },
    INVALID,
    { exit: 'noRouter', when: 'no router answers on the admin socket' },
  ],
  examples: [
    { about: 'the sessions that stay on a drained member', text: 'patroni-router sessions --member pg2' },
    { about: 'end them', text: 'patroni-router sessions close --member pg2' },
  ],
}
