/** Options that several commands have. */
import type { ExitUsage, OptionUsage } from './types.ts'

export const CONFIG: OptionUsage = {
  short: 'c',
  long: 'config',
  value: { name: 'FILE', kind: 'path' },
  about: 'configuration file, or a directory of them',
}

export const SOCKET: OptionUsage = {
  long: 'socket',
  value: { name: 'PATH', kind: 'path' },
  about: 'admin socket of the router; the configuration is not read',
}

export const CLUSTER: OptionUsage = {
  long: 'cluster',
  value: { name: 'NAME', kind: 'name' },
  about: 'the cluster; required if the router follows several',
}

export const INVALID: ExitUsage = { exit: 'usage', when: 'the command line or the configuration is invalid' }
