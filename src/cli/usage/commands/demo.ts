import type { CommandUsage } from '../types.ts'

export const DEMO: CommandUsage = {
  name: 'demo',
  summary: 'try it: a whole cluster in one process, with the router in front',
  about: [
    'Starts three members (PostgreSQL in WebAssembly, with the REST API and the behaviour of Patroni), a DCS, and the real router in front of them. It listens on 127.0.0.1 only, needs no passwords, and leaves nothing behind when it ends.',
    'On a terminal, keys switch over, crash the leader, freeze its Patroni and bring members back.',
  ],
  options: [
    {
      long: 'port',
      value: { name: 'PORT', kind: 'port' },
      default: 5000,
      about: 'port of the primary; 0: any free one',
    },
    {
      long: 'replica-port',
      value: { name: 'PORT', kind: 'port' },
      default: 5001,
      about: 'port of the replicas; 0: any free one',
    },
    { long: 'no-ui', about: 'print plain lines, even on a terminal' },
  ],
  exits: [
    { exit: 'ok', when: 'stopped with q or by a signal' },
    { exit: 'failed', when: 'it could not start, for example because a port is in use' },
    { exit: 'usage', when: 'the command line is invalid' },
  ],
  examples: [
    { about: 'if 5000 or 5001 is in use', text: 'patroni-router demo --port 6000 --replica-port 6001' },
    { about: 'in a second terminal', text: 'psql -h localhost -p 5000 -U postgres' },
  ],
}
