import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { Child } from '../../support/processes/child.ts'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { follow } from '../../support/hosts/readme.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

const LEFT_ALONE = join(import.meta.dirname, 'left-alone.ts')
const UNIT = '[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\n'

test('the hosts of a test have systemd, an address and files of their own, and the installed program', async () => {
  await using lan = await Lan.create()
  const boot = (n: number) => Host.boot(lan, { name: `h${n}`, address: `10.0.0.${n}/24` })
  const [one, two] = await Promise.all([boot(1), boot(2)])
  assert.equal(await one.ok('hostname'), 'h1\n')
  assert.match(await two.ok('ip -brief address show dev eth0'), / 10\.0\.0\.2\/24 /)

  await one.write('/etc/systemd/system/nap.service', UNIT)
  await one.ok('systemctl enable --now nap')
  assert.equal(await one.ok('systemctl is-active nap'), 'active\n')
  assert.equal((await two.sh('systemctl is-active nap')).stdout, 'inactive\n')
  assert.ok(!existsSync('/etc/systemd/system/nap.service'))
  await one.signal('nap', 'KILL')
  await until('systemd has seen it', async () => (await one.sh('systemctl is-failed nap')).stdout === 'failed\n')

  await one.ok('patroni-router check -c /root/patroni-router/examples/standalone/config.yml')
  assert.match(await follow(one, 'standalone', 'ls\n'), /^README\.md$/m)
  await assert.rejects(follow(one, 'standalone', 'echo seen\nfalse\necho unseen\n'), (error) => {
    assert.ok(error instanceof Error)
    assert.match(error.message, /on h1: exit 1/)
    assert.match(error.message, /^seen$/m)
    assert.doesNotMatch(error.message.split('\nseen\n')[1] ?? '', /unseen/)
    return true
  })
})

test('a host that is cut off, frozen or without power does not answer the others', async () => {
  await using lan = await Lan.create()
  const boot = (n: number) => Host.boot(lan, { name: `h${n}`, address: `10.0.0.${n}/24` })
  const [one, two] = await Promise.all([boot(1), boot(2)])
  const unit = UNIT.replace('/bin/sleep 1000', '/usr/local/bin/node -e "net.createServer((c) => c.end()).listen(80)"')
  await two.write('/etc/systemd/system/answer.service', unit)
  await two.ok('systemctl start answer')
  const ask = 'net.connect(80, "10.0.0.2").resume().on("end", () => process.exit(0)).on("error", () => process.exit(1))'
  const answers = async () => (await one.sh(`timeout 1 node -e '${ask}'`)).code === 0
  await until('it answers', answers)
  await lan.cut(two)
  assert.equal(await answers(), false)
  await lan.heal(two)
  await until('it answers again', answers)
  await two.freeze()
  assert.equal(await answers(), false)
  await two.thaw()
  await until('it answers once more', answers)
  await two.crash()
  assert.equal(await answers(), false)
})

test('nothing of a LAN and its hosts outlives a test process that is killed', async () => {
  await using dir = TempDir.create('killed')
  const lines: string[] = []
  const options = { cwd: dir.path, logFile: join(dir.path, 'log'), onLine: (line: string) => lines.push(line) }
  const killed = await Child.start(process.execPath, [LEFT_ALONE], options)
  await killed.until('its host runs', () => lines.length > 0)
  const [path = ''] = lines
  assert.ok(processesOf(path).length > 1)
  killed.signal('SIGKILL')
  await until('its processes are gone', () => processesOf(path).length === 0)
  const groups = `/sys/fs/cgroup/{,unified/}${basename(path)}`
  await until('its directory and its control groups are gone', () => !existsSync(path) && globSync(groups).length === 0)
})

/** The processes of the hosts of a LAN. */
function processesOf(path: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(join('/proc', name, 'cgroup'), 'utf8').includes(basename(path))
    } catch {
      return false // Gone since.
    }
  })
}
