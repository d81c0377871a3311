/** Names that hang in the DNS: in namespaces of their own, where the only name server never answers. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { asRoot, succeed } from '../../support/processes/root.ts'
import { TempDir } from '../../support/files/temp.ts'

const SCENARIO = join(import.meta.dirname, 'scenario.ts')
const ENTER = `set -e
ip link set lo up
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/resolv.conf" /etc/resolv.conf
exec "$2" "$3" "$4" "$1/hosts"`

describe('the DNS closes no session and fails no client of a healthy primary', { concurrency: 3 }, () => {
  for (const name of [
    'hung names beside the primary, by etcd',
    'hung names beside the primary, by rest',
    "one hung name, the primary's own, by etcd",
    'all names, by etcd',
    'all names, by rest',
    'dead addresses for all names, by etcd',
    'dead addresses for all names, by rest',
    'a DNS that fails, by rest',
    'etcd, whose connections end meanwhile',
    'a template that asks for hung names',
    'one of two clusters',
  ]) {
    test(name, async () => {
      await using dir = TempDir.create('names')
      writeFileSync(join(dir.path, 'hosts'), '127.0.0.1 localhost\n')
      writeFileSync(join(dir.path, 'resolv.conf'), 'nameserver 127.0.0.1\n')
      const enter = ['unshare', '--mount', '--net', '--kill-child', '--fork', 'sh', '-c', ENTER, 'enter']
      await succeed([...asRoot(), ...enter, dir.path, process.execPath, SCENARIO, name], { timeoutMs: 110_000 })
    })
  }
})
