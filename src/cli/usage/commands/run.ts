import { CONFIG, INVALID } from '../options.ts'
import type { CommandUsage } from '../types.ts'

export const RUN: CommandUsage = {
  name: 'run',
  summary: 'run the router in the foreground',
  about: [
    'Follows the clusters, accepts connections on the configured listeners and writes the configured templates until a signal stops it.',
    'The log goes to standard output: text on a terminal, otherwise one JSON object per line (`logging.format`).',
  ],
  options: [CONFIG],
  signals: [
    {
      names: ['SIGTERM', 'SIGINT', 'SIGQUIT'],
      effect:
        'stop accepting connections and exit when the sessions have ended, at the latest after `proxy.drain_timeout`; a second one closes them at once',
    },
    {
      names: ['SIGHUP'],
      effect: 'load the configuration again, as `reload` does, then read the templates again and compare every file',
    },
  ],
  exits: [
    { exit: 'ok', when: 'stopped by a signal' },
    {
      exit: 'failed',
      when: 'it could not start, for example because a port is in use; the last log line has the reason',
    },
    INVALID,
  ],
  examples: [
    { about: 'with the configuration of Patroni itself', text: 'patroni-router run -c /etc/patroni/config.yml' },
    {
      about: 'without a file',
      text: 'PATRONI_SCOPE=demo PATRONI_ETCD3_HOSTS=10.0.0.1:2379 patroni-router run',
    },
  ],
}
