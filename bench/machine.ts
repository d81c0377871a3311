import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** Describes what the figures depend on, in one line for people. */
export function describeMachine(): string {
  const gib = Math.round(totalmem() / 1024 ** 3)
  const versions = [
    `etcd ${version('etcd', '--version')}`,
    `Patroni ${version('patroni', '--version')}`,
    `PostgreSQL ${version('/usr/lib/postgresql/15/bin/postgres', '--version')}`,
    `HAProxy ${version('haproxy', '-v')}`,
    `keepalived ${version('keepalived', '--version')}`,
    `Node ${process.versions.node}`,
  ]
  return `${cpus().length} cores, ${gib} GiB, Linux ${release()}; ${versions.join(', ')}`
}

/** Returns the first version number that a program prints. */
function version(command: string, flag: string): string {
  const { stdout, stderr } = spawnSync(command, [flag], { encoding: 'utf8' })
  return /\d+(\.\d+)+/.exec(stdout + stderr)?.[0] ?? 'of an unknown version'
}
