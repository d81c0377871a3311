import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** What the figures depend on, as one line for people. */
export function describeMachine(): string {
  const gib = Math.round(totalmem() / 1024 ** 3)
  const versions = [
    `etcd ${version('etcd', '--version')}`,
    `Patroni ${version('patroni', '--version')}`,
    `PostgreSQL ${version('/usr/lib/postgresql/15/bin/postgres', '--version')}`,
    `HAProxy ${version('haproxy', '-v')}`,
    `Node ${process.versions.node}`,
  ]
  return `${cpus().length} cores, ${gib} GiB, Linux ${release()}; ${versions.join(', ')}`
}

/** The first version number that a program says of itself. */
function version(command: string, flag: string): string {
  const said = execFileSync(command, [flag], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return /\d+(\.\d+)+/.exec(said)?.[0] ?? 'of an unknown version'
}
