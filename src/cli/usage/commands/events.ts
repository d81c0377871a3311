import { CONFIG, INVALID, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const EVENTS: CommandUsage = {
  name: 'events',
  summary: 'show what happened: switchovers as timelines, and everything else that the log has',
  about: [
    'Queries the running router on its admin socket. A switchover, a failover or an interruption is one block: what it was, for how long no primary was open, how many connections waited and how long at most; then each step with its milliseconds. Every other event is a line, as in the log. Times are in UTC.',
    'The router has the last 10,000 events in memory; with a `state_dir` it keeps them over restarts. If no router answers, the events kept there are shown, and the exit code is 3.',
  ],
  options: [
    CONFIG,
    SOCKET,
    {
      long: 'cluster',
      value: { name: 'NAME', kind: 'name' },
      about: 'show only this cluster, and what concerns the router as a whole',
    },
    {
      long: 'since',
      value: { name: 'TIME', kind: 'time' },
      about: 'show only what is not older: a duration such as 30m, 1h or 2d, or a time in UTC such as 2026-11-20T03:00',
    },
    {
      short: 'f',
      long: 'follow',
      about:
        'continue until Ctrl-C: each event as it comes, and a timeline when its switchover is over; a router that is restarted is waited for',
    },
    {
      long: 'json',
      about:
        'print one line of JSON per event: `seq`, `time`, `level`, `event`, `message` and the fields of the event, as described in `docs/operations.md`',
    },
  ],
  exits: [
    { exit: 'ok', when: 'the events were printed; with --follow: it was interrupted while the router answered' },
    { ...INVALID, when: `${INVALID.when}, or there is no such cluster` },
    { exit: 'noRouter', when: 'no router answers on the admin socket' },
  ],
  examples: [
    { about: 'the events of a night', text: 'patroni-router events --since 2026-11-20T01:00' },
    {
      about: 'the sessions that failovers have closed, in a script',
      text: `patroni-router events --json \\
    | jq 'select(.event == "fenced") | {time, member, connections}'`,
    },
  ],
}
