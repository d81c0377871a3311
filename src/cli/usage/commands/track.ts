import type { ConditionName } from '../../../config/conditions.ts'
import { CONFIG, SOCKET } from '../options.ts'
import type { CommandUsage } from '../types.ts'

const CONDITIONS: Readonly<Record<ConditionName, string>> = {
  'local-leader':
    'the member on this host (or --member) is the primary; in a switchover until its PostgreSQL has stopped',
  primary: 'a member is open for writes',
  replicas: 'at least one replica accepts reads',
}

export const TRACK: CommandUsage = {
  name: 'track',
  summary: 'exit with 0 if a condition is true (for keepalived and scripts)',
  about: ['Queries the running router on its admin socket and prints the reason.'],
  argument: {
    name: 'CONDITION',
    choices: Object.entries(CONDITIONS).map(([name, about]) => ({ name, about })),
  },
  options: [
    CONFIG,
    SOCKET,
    {
      long: 'member',
      value: { name: 'NAME', kind: 'name' },
      about: 'with local-leader: the member to look for (default: `name` in the configuration of the router)',
    },
    {
      long: 'cluster',
      value: { name: 'NAME', kind: 'name' },
      about: 'the cluster to look at; required if the router follows several',
    },
    {
      long: 'timeout',
      value: { name: 'SECONDS', kind: 'seconds' },
      default: 1,
      about: 'a router that takes longer to answer counts as not running',
    },
  ],
  exits: [
    { exit: 'ok', when: 'the condition is true' },
    { exit: 'failed', when: 'it is false, or the router is shutting down' },
    {
      exit: 'usage',
      when: 'the command line or the configuration is invalid, or there is no such cluster or no member on this host',
    },
    { exit: 'noRouter', when: 'no router answers in time, or it has not read the DCS yet' },
  ],
  examples: [
    { about: 'in a script', text: 'patroni-router track replicas || echo "no replica"' },
    {
      about: 'in keepalived.conf; every code but 0 is a failure there',
      text: `vrrp_script router {
    script "/usr/bin/patroni-router track primary"
    interval 1
    timeout 2
    fall 2
    rise 1
}`,
    },
  ],
}
