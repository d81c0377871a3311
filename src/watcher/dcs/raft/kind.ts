/**
 * Patroni's own raft (section `raft`), which only its members can read: pickled Python, encrypted with the password of
 * the section. The members themselves are queried, as with `rest`.
 */
import { addresses, number, text } from '../../../config/env-values.ts'
import { COPIED_KEYS } from '../../../config/patroni-keys.ts'
import type { DcsKind } from '../kind.ts'
import { memberReports } from '../member-reports/descriptor.ts'
import { NAME, RAFT_FORM, type RaftConfig, resolveRaft } from './section.ts'

const TIMES = [
  ...['min_timeout', 'max_timeout', 'connection_timeout', 'append_entries_period', 'connection_retry_time'],
  'leader_fallback_timeout',
]
const KEYS: readonly string[] = [
  ...['self_addr', 'bind_addr', 'partner_addrs', 'data_dir', 'password', 'commandsWaitLeader', ...TIMES],
  ...COPIED_KEYS,
]

export const raft: DcsKind<RaftConfig> = {
  ...memberReports(NAME),
  patroni: {
    keys: KEYS,
    words: { hosts: 'partner_addrs', partners: 'partner_addrs', host: 'self_addr', address: 'self_addr' },
    library: 'pysyncobj',
    variables: {
      ...{ SELF_ADDR: text, PARTNER_ADDRS: addresses, BIND_ADDR: text, DATA_DIR: text, PASSWORD: text },
      ...Object.fromEntries(TIMES.map((key) => [key.toUpperCase(), number])),
    },
    login: [],
  },
  needed: { key: 'self_addr', how: 'raft.self_addr' },
  addresses: ['self_addr', 'partner_addrs'],
  passwords: ['password'],
  form: RAFT_FORM,
  resolve: resolveRaft,
  describe: ({ urls }) => `raft: the members are queried, beginning with ${urls.join(', ')}`,
}
