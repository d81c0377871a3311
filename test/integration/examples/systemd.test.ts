/** The units of examples/systemd on hosts with a systemd of their own, before a real cluster. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { ROOT } from '../../support/router/package.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { follow, readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { until } from '../../support/until.ts'

const EXAMPLE = 'systemd'
const DROP_IN = '/etc/systemd/system/patroni-router.service.d/test.conf'
const RULE = '/etc/polkit-1/rules.d/50-patroni-router.rules'
/** Asking takes a tenth of a second of the machine. */
const PATIENCE = { everyMs: 200 }
/** Of `systemd-analyze security`, in tenths: what the README says. */
const EXPOSURE: Readonly<Record<string, number>> = { router: 15, sidecar: 15, 'sidecar-root': 31, '../standalone': 34 }
/** That of a stand-alone router which a drop-in makes root. */
const EXPOSURE_AS_ROOT = 38
/** What `NotifyAccess=all` adds. */
const NOTIFY_ACCESS = 2

let lan: Lan
let cluster: PatroniHosts
let hosts: Readonly<Record<'router' | 'haproxy' | 'pooler', Host>>

before(async () => {
  lan = await Lan.create()
  const boot = (name: string, n: number) => Host.boot(lan, { name, address: `10.0.0.${n}/24` })
  const [patroni, router, haproxy, pooler] = await Promise.all([
    PatroniHosts.start(lan),
    boot('router', 11),
    boot('haproxy', 12),
    boot('pooler', 13),
  ])
  cluster = patroni
  hosts = { router, haproxy, pooler }
})
after(() => lan[Symbol.asyncDispose]())

/** Follows the README below some headings, and waits until what its last block prints fits. */
async function install(host: Host, headings: readonly string[], fits: RegExp): Promise<void> {
  for (const heading of headings) await walk(host, EXAMPLE, heading)
  const status = readmeBlocks(EXAMPLE, headings.at(-1) ?? '').at(-1)?.command ?? ''
  await until(`the status on ${host.name} fits`, async () => fits.test(await follow(host, EXAMPLE, status)), PATIENCE)
}

async function property(host: Host, unit: string, name: string): Promise<string> {
  return (await host.ok(`systemctl show --value --property=${name} ${unit}`)).trim()
}

/** Who the main process is, and its capabilities: in effect, and those that it could get. */
async function identity(host: Host): Promise<string[]> {
  const pid = await property(host, 'patroni-router', 'MainPID')
  const user = await host.ok(`stat --format='%U %G' /proc/${pid}`)
  const capabilities = await host.ok(`sed -n 's/^Cap\\(Eff\\|Bnd\\):\\s*//p' /proc/${pid}/status`)
  return [...user.trim().split(/\s+/), ...capabilities.trim().split('\n')]
}

async function statusOf(host: Host): Promise<string> {
  // It is wrapped for a terminal.
  return (await host.sh('patroni-router status')).stdout.replace(/\s+/g, ' ')
}

/** Waits until its status fits. @throws with what it was instead. */
async function says(host: Host, fits: RegExp): Promise<void> {
  const asked = async (): Promise<boolean> => {
    const status = await statusOf(host)
    if (!fits.test(status)) throw new Error(status)
    return true
  }
  await until(`${host.name} says ${String(fits)}`, asked, PATIENCE)
}

/** Restarts the router with more settings of the service. */
async function restartWith(host: Host, settings: string): Promise<void> {
  await host.write(DROP_IN, `[Service]\n${settings}\n`)
  await host.ok('systemctl daemon-reload; systemctl restart patroni-router')
}

async function attributes(host: Host, path: string): Promise<string> {
  return (await host.ok(`stat --format='%A %U %G' ${path}`)).trim()
}

async function query(port: number, address: string, text: string): Promise<string> {
  return cluster.sql(address, text, { port })
}

test('systemd finds nothing to complain of in the units, and rates them as the README says', async () => {
  const units = globSync('examples/{systemd/*,standalone}/patroni-router.service', { cwd: ROOT })
  assert.equal(units.length, Object.keys(EXPOSURE).length)
  for (const [variant, threshold] of Object.entries(EXPOSURE)) {
    const unit = `/root/patroni-router/examples/systemd/${variant}/patroni-router.service`
    const verified = await hosts.router.sh(`systemd-analyze verify ${unit}`)
    assert.deepEqual(verified, { code: 0, stdout: '', stderr: '' })
    const rated = await hosts.router.sh(`systemd-analyze security --offline=yes --threshold=${threshold} ${unit}`)
    assert.equal(rated.code, 0, rated.stdout)
    const without = threshold - NOTIFY_ACCESS
    const row = new RegExp(`^\\| \`${variant}\`[,| ].*\\| ${without / 10} \\| ${threshold / 10} \\|$`, 'm')
    assert.match(await hosts.router.read('/root/patroni-router/examples/systemd/README.md'), row)
  }
  const asRoot = globSync('examples/*/patroni-router.conf', { cwd: ROOT }).filter((path) =>
    readFileSync(join(ROOT, path), 'utf8').includes('DynamicUser=no'),
  )
  assert.ok(asRoot.length >= 5)
  for (const dropIn of asRoot) {
    const unit = '/tmp/as-root/patroni-router.service'
    const parts = `examples/standalone/patroni-router.service ${dropIn}`
    await hosts.router.ok(`install -d /tmp/as-root; cd /root/patroni-router; cat ${parts} >${unit}`)
    const rated = await hosts.router.sh(
      `systemd-analyze security --offline=yes --threshold=${EXPOSURE_AS_ROOT} ${unit}`,
    )
    assert.equal(rated.code, 0, rated.stdout)
  }
  assert.match(
    await hosts.router.read('/root/patroni-router/examples/systemd/README.md'),
    new RegExp(`^\\| .*drop-in.* \\| root \\|.*\\| ${EXPOSURE_AS_ROOT / 10} \\|$`, 'm'),
  )
})

/** Whom PgBouncer leads to. */
async function where(): Promise<string> {
  const text = 'SELECT inet_server_addr()'
  return (
    await lan.ok(`PGPASSWORD=secret psql -XAtw -h ${hosts.pooler.address} -p 6432 -U postgres -c '${text}'`)
  ).trim()
}

describe('each on a host of its own,', { concurrency: true }, () => {
  describe('the router', { concurrency: 1 }, () => {
    test('runs as a user of its own, and leads to the primary', async () => {
      const { router } = hosts
      await router.ok(`
      install -d /etc/patroni-router
      umask 077
      echo PATRONI_NAME=secret >/etc/patroni-router/environment
    `)
      await install(
        router,
        ['Steps', 'How to see that it works'],
        /^primary: pg1 OPEN[^]*Overall exposure level for patroni-router.service: 1\./m,
      )
      assert.deepEqual(await identity(router), [
        ...['patroni-router', 'patroni-router'],
        ...['0000000000000000', '0000000000000000'],
      ])
      assert.equal((await router.sh('getent passwd patroni-router')).code, 0)
      assert.equal((await router.sh('grep patroni-router /etc/passwd')).code, 1)
      assert.equal(await attributes(router, '/run/patroni-router'), 'drwx------ patroni-router patroni-router')
      assert.equal(
        await attributes(router, '/var/lib/private/patroni-router'),
        'drwx------ patroni-router patroni-router',
      )
      const pid = await property(router, 'patroni-router', 'MainPID')
      assert.match(await router.ok(`tr '\\0' '\\n' </proc/${pid}/environ`), /^PATRONI_NAME=secret$/m)
      assert.equal(await query(5000, router.address, 'SELECT pg_is_in_recovery()'), 'f')
      assert.equal(await query(5001, router.address, 'SELECT pg_is_in_recovery()'), 't')
    })

    test('reads again on reload, comes back when it dies, and lets sessions end when it is stopped', async () => {
      const { router } = hosts
      const first = await property(router, 'patroni-router', 'MainPID')
      await router.ok('systemctl reload patroni-router')
      await until('it has read again', async () =>
        (await router.journal('patroni-router')).includes('"config-unchanged"'),
      )
      assert.equal(await property(router, 'patroni-router', 'MainPID'), first)
      await router.signal('patroni-router', 'KILL')
      await says(router, /primary: pg1 OPEN/)
      assert.notEqual(await property(router, 'patroni-router', 'MainPID'), first)

      const session = await LanSession.open(lan, `${router.address}:5000`)
      const stopping = router.ok('systemctl stop patroni-router')
      const state = () => property(router, 'patroni-router', 'ActiveState')
      await until('it is being stopped', async () => (await state()) === 'deactivating', PATIENCE)
      await session.goesOn()
      await session.end()
      await stopping
      const ended = ['ActiveState', 'Result', 'ExecMainStatus'].map((name) => property(router, 'patroni-router', name))
      assert.deepEqual(await Promise.all(ended), ['inactive', 'success', '0'])
    })

    const restarts = async () => Number(await property(hosts.router, 'patroni-router', 'NRestarts'))

    test('is not started again with a wrong configuration, and says why', async () => {
      const { router } = hosts
      await router.write(DROP_IN, '[Service]\nRestartSec=100ms\n')
      await router.ok('systemctl daemon-reload; echo "proxi: {}" >>/etc/patroni-router/config.yml')
      assert.notEqual((await router.sh('systemctl restart patroni-router')).code, 0)
      assert.equal(await property(router, 'patroni-router', 'ActiveState'), 'failed')
      assert.equal(await property(router, 'patroni-router', 'ExecMainStatus'), '2')
      assert.equal(await restarts(), 0)
      assert.match(await router.journal('patroni-router'), /proxi: .*did you mean "proxy"/)
      await router.ok('sed -i /^proxi/d /etc/patroni-router/config.yml; systemctl start patroni-router')
      await says(router, /primary: pg1 OPEN/)
    })

    test('is started again for ever when an address is not there yet, and serves once it is', async () => {
      const { router } = hosts
      await router.ok(
        `sed -i "s/primary: { bind: '[^']*'/primary: { bind: '10.0.0.111:5000'/" /etc/patroni-router/config.yml`,
      )
      assert.notEqual((await router.sh('systemctl restart patroni-router')).code, 0)
      // More often than systemd would try by default.
      await until('it was tried often', async () => (await restarts()) > 5)
      await router.ok('ip address add 10.0.0.111/24 dev eth0')
      await until('it serves', async () => (await query(5000, '10.0.0.111', 'SELECT 1')) === '1')
    })

    test('listens on a Unix socket for clients with unix-socket.conf, and elsewhere with what the README names', async () => {
      const { router } = hosts
      const bind = (path: string) =>
        router.ok(`sed -i "s,primary: { bind: '[^']*',primary: { bind: '${path}'," /etc/patroni-router/config.yml`)
      const ask = (directory: string) =>
        router.sh(`runuser -u nobody -- psql -XAt -h ${directory} -p 5000 -U postgres -c 'SELECT pg_is_in_recovery()'`)
      await bind('/run/patroni-router/.s.PGSQL.5000')
      await router.ok('systemctl restart patroni-router')
      await says(router, /primary: pg1 OPEN/)
      assert.match((await ask('/run/patroni-router')).stderr, /Permission denied/)
      await router.ok(`
        cd /root/patroni-router/examples/systemd
        install -D -m 644 router/unix-socket.conf -t /etc/systemd/system/patroni-router.service.d
        systemctl daemon-reload
        systemctl restart patroni-router
      `)
      await says(router, /primary: pg1 OPEN/)
      const answer = await ask('/run/patroni-router')
      assert.equal(answer.stdout, 'f\n', answer.stderr)
      assert.equal((await router.sh('runuser -u nobody -- patroni-router status')).code, 3)

      // As Debian's package has it.
      await router.ok('install -d -o postgres -g postgres -m 2775 /run/postgresql')
      await bind('/run/postgresql/.s.PGSQL.5000')
      await router.sh('systemctl restart patroni-router')
      const refused = async () => (await router.journal('patroni-router')).includes('listen EACCES')
      await until('its user may not write there', refused, PATIENCE)
      await restartWith(router, 'ReadWritePaths=/run/postgresql\nSupplementaryGroups=postgres')
      await says(router, /primary: pg1 OPEN/)
      assert.equal((await ask('/run/postgresql')).stdout, 'f\n')
      await bind('*:5000')
      await router.ok(`rm ${DROP_IN} /etc/systemd/system/patroni-router.service.d/unix-socket.conf`)
    })

    test('listens on a low port with low-ports.conf only, and without memory for compiled code with --jitless only', async () => {
      const { router } = hosts
      await router.sh("sed -i 's/:5000/:500/' /etc/patroni-router/config.yml; systemctl restart patroni-router")
      const denied = /cannot bind [^\n]*:500: listen EACCES/
      await until('it fails', async () => denied.test(await router.journal('patroni-router')))
      await router.ok(`
      cd /root/patroni-router/examples/systemd
      install -D -m 644 router/low-ports.conf -t /etc/systemd/system/patroni-router.service.d
      systemctl daemon-reload
      systemctl restart patroni-router
    `)
      await until('it serves', async () => (await query(500, router.address, 'SELECT 1')) === '1')
      assert.deepEqual((await identity(router)).slice(2), ['0000000000000400', '0000000000000400'])

      await router.write(DROP_IN, '[Service]\nMemoryDenyWriteExecute=yes\n')
      await router.sh('systemctl daemon-reload; systemctl restart patroni-router')
      const trapped = /Main process exited, code=killed, status=5\/TRAP/
      await until('V8 is trapped', async () => trapped.test(await router.journal('patroni-router')), PATIENCE)
      await restartWith(router, 'MemoryDenyWriteExecute=yes\nEnvironment=NODE_OPTIONS=--jitless')
      await says(router, /primary: pg1 OPEN/)
      await router.ok(`sed -i "s/'\\*:500'/'*:5000'/" /etc/patroni-router/config.yml`)
    })
  })

  describe('the sidecar of a user of its own', { concurrency: 1 }, () => {
    const FILE = '/etc/haproxy/patroni/haproxy.cfg'
    const IN_SYNC = /Template +\/etc\/haproxy\/patroni\/haproxy.cfg: in sync/
    const servers = async (): Promise<string> => {
      const { text } = await lan.fetch('http://10.0.0.12:7000/;csv')
      return text
        .split('\n')
        .flatMap((row) => /^primary,(pg\d+),/.exec(row)?.[1] ?? [])
        .join()
    }

    test('writes the file and reloads HAProxy, without a capability', async () => {
      const { haproxy } = hosts
      await install(haproxy, ['Variant: a sidecar without root'], IN_SYNC)
      const none = '0000000000000000'
      assert.deepEqual(await identity(haproxy), ['patroni-router', 'haproxy', none, none])
      assert.equal(await attributes(haproxy, FILE), '-rw-r----- patroni-router haproxy')
      assert.equal(await attributes(haproxy, '/run/patroni-router'), 'drwx------ patroni-router haproxy')
      await until('HAProxy leads to the primary', async () => {
        return (await query(5000, haproxy.address, 'SELECT pg_is_in_recovery()')) === 'f'
      })
      assert.equal(await servers(), 'pg1,pg2,pg3')
    })

    test('cannot reload it without the rule, says so, and reloads it when the rule is there', async () => {
      const { haproxy } = hosts
      await haproxy.ok(`mv ${RULE} /root/`)
      const systemctl = (verb: string) =>
        haproxy.sh(`runuser -u patroni-router -- systemctl --no-ask-password ${verb} haproxy.service`)
      await until('the rule is gone', async () => (await systemctl('reload')).code !== 0)
      const member = '{"conn_url":"postgres://10.0.0.9:5432/x","api_url":"http://10.0.0.9:8008/x","state":"running"}'
      await cluster.host('pg1').ok(`ETCDCTL_API=3 etcdctl put /service/demo/members/pg9 '${member}'`)
      const failed = /haproxy.cfg: FAILED for .*the reload exited with 1.*RELOAD PENDING/
      await says(haproxy, failed)
      assert.match(await haproxy.journal('patroni-router'), /Interactive authentication required/)
      assert.match(await haproxy.read(FILE), /server pg9 /)
      assert.equal(await servers(), 'pg1,pg2,pg3')

      await haproxy.ok(`mv /root/50-patroni-router.rules ${RULE}`)
      await until('HAProxy is reloaded', async () => (await servers()) === 'pg1,pg2,pg3,pg9')
      await says(haproxy, IN_SYNC)
      for (const verb of ['stop', 'restart', 'kill']) assert.notEqual((await systemctl(verb)).code, 0, verb)
      assert.equal((await systemctl('reload')).code, 0)
      // A reload of the router's may still run.
      const isActive = async () => (await property(haproxy, 'haproxy', 'ActiveState')) === 'active'
      await until('HAProxy is active', isActive, PATIENCE)
    })

    test('writes nowhere else, and gives a file to another group only with what the README names', async () => {
      const { haproxy } = hosts
      const config = '/etc/patroni-router/config.yml'
      await haproxy.ok(`sed -i s,haproxy/patroni/haproxy.cfg,haproxy/haproxy.cfg, ${config}`)
      await haproxy.ok('systemctl restart patroni-router')
      await says(haproxy, /haproxy\/haproxy\.cfg: FAILED .*EROFS/)
      await haproxy.ok(`
      sed -i s,haproxy/haproxy.cfg,haproxy/patroni/haproxy.cfg, ${config}
      usermod --append --groups haproxy patroni-router
      chgrp patroni-router ${FILE}
    `)
      const another = 'Group=patroni-router\n'
      await restartWith(haproxy, another)
      await says(haproxy, /FAILED .*EPERM.* fchown/)
      await restartWith(haproxy, `${another}SystemCallFilter=@chown`)
      await says(haproxy, /FAILED .*EINVAL.* fchown/)
      await restartWith(haproxy, `${another}SystemCallFilter=@chown\nPrivateUsers=no`)
      await says(haproxy, IN_SYNC)
      assert.equal(await attributes(haproxy, FILE), '-rw-r----- patroni-router haproxy')
      await haproxy.ok('systemctl stop patroni-router')
      assert.equal(await property(haproxy, 'patroni-router', 'Result'), 'success')
    })
  })

  describe('the sidecar that is root', { concurrency: 1 }, () => {
    const FILE = '/etc/pgbouncer/pgbouncer.ini'
    /** What fails without it. */
    const CAPABILITIES: Readonly<Record<string, RegExp>> = {
      CAP_CHOWN: /FAILED .*cannot be given to postgres:postgres: EPERM.* fchown/,
      CAP_FOWNER: /FAILED .*EPERM.* fchmod/,
      CAP_DAC_READ_SEARCH: /FAILED .*EACCES.* open/,
      CAP_SETUID: /runuser: cannot set user id/,
      CAP_SETGID: /runuser: cannot set groups/,
    }

    test('keeps PgBouncer on the primary, with six capabilities', async () => {
      const { pooler } = hosts
      await pooler.ok(`echo '"postgres" "secret"' >/etc/pgbouncer/userlist.txt`)
      await install(pooler, ['Variant: a sidecar that is root'], /Template +pgbouncer: in sync/)
      assert.deepEqual(await identity(pooler), ['root', 'root', '00000000000000ed', '00000000000000ed'])
      assert.equal(await attributes(pooler, FILE), '-rw-r----- postgres postgres')
      assert.equal(await where(), '10.0.0.1')
    })

    test('resumes PgBouncer when it is stopped', async () => {
      const { pooler } = hosts
      await pooler.ok('pkill -USR1 -x pgbouncer; systemctl stop patroni-router')
      assert.equal(await property(pooler, 'patroni-router', 'Result'), 'success')
      assert.match(await pooler.read('/var/log/postgresql/pgbouncer.log'), /got SIGUSR1[^]*got SIGUSR2[^\n]*\n$/)
    })

    test('needs each of the capabilities that it writes and runs commands with', async () => {
      const { pooler } = hosts
      for (const [capability, missing] of Object.entries(CAPABILITIES)) {
        // Something to be written.
        await pooler.ok(`echo >>${FILE}`)
        await restartWith(pooler, `CapabilityBoundingSet=~${capability}`)
        await says(pooler, missing)
      }
    })
  })
})

test('after a switchover they lead to the next primary', async () => {
  const { router, haproxy, pooler } = hosts
  for (const host of [router, haproxy, pooler]) {
    await host.ok(`rm -f ${DROP_IN}; systemctl daemon-reload; systemctl restart patroni-router`)
  }
  await cluster.switchover('pg2')
  const address = (host: Host, port: number) => query(port, host.address, 'SELECT inet_server_addr()')
  await until('PgBouncer follows', async () => (await where()) === '10.0.0.2')
  await until('the router follows', async () => (await address(router, 5000)) === '10.0.0.2')
  await until('HAProxy follows', async () => (await address(haproxy, 5000)) === '10.0.0.2')
  assert.match(await pooler.read('/var/log/postgresql/pgbouncer.log'), /got SIGUSR1[^]*RESUME command/)
})
