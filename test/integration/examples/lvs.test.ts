/** examples/lvs: its templates by keepalived's own check, and all of it with a kernel that has IPVS. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { Host } from '../../support/hosts/host.ts'
import { KernelHost } from '../../support/hosts/kernel-host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import { LanSession } from '../../support/hosts/lan-session.ts'
import { ROOT } from '../../support/router/package.ts'
import { PatroniHosts } from '../../support/hosts/patroni-hosts.ts'
import { readmeBlocks, walk } from '../../support/hosts/readme.ts'
import { asRoot, run } from '../../support/processes/root.ts'
import type { CommandResult } from '../../support/router/process.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

/** Asking takes a tenth of a second of a kernel that is slow. */
const PATIENCE = { everyMs: 300 }
/**
 * The kernel in user mode cannot hold the registers of a CPU with AMX (it ends with `ptrace set fp regs failed`): there the
 * part of the test that needs IPVS can run nowhere but on a kernel that has it.
 */
const IS_KERNEL_USABLE = !readFileSync('/proc/cpuinfo', 'utf8').includes(' amx_tile')
const HAS_IPVS = existsSync('/proc/net/ip_vs') || (process.arch === 'x64' && IS_KERNEL_USABLE)
const FOLDER = '/root/patroni-router/examples/lvs'
const MAIN = join(ROOT, 'src/main.ts')
const TEMPLATES = [
  { name: 'keepalived.conf.hbs', primary: '10.0.0.100:5432 DR', replicas: '10.0.0.101:5432 DR' },
  { name: 'keepalived-nat.conf.hbs', primary: '10.1.0.100:5000 NAT', replicas: '10.1.0.100:5001 NAT' },
]

/** What stands in a cluster file for a member. */
function member(n: number, role: 'primary' | 'replica', api = `http://10.0.0.${n}:8008/patroni`): object {
  return { host: `10.0.0.${n}`, role, state: 'running', ...(api === '' ? {} : { api_url: api }) }
}

/** Renders both templates for a cluster that is described in a file, whose word is enough; their texts, and the warnings. */
async function render(dir: TempDir, cluster: object): Promise<{ texts: readonly string[]; warnings: string }> {
  const destinations = TEMPLATES.map(({ name }) => join(dir.path, name))
  const config = {
    scope: 'demo',
    file: { path: 'cluster.yml' },
    proxy: { trust: 'dcs', listeners: {} },
    admin: { socket: join(dir.path, 'admin.sock'), bind: 'off' },
    templates: TEMPLATES.map(({ name }) => ({
      source: join(ROOT, 'examples/lvs', name),
      destination: join(dir.path, name),
    })),
  }
  writeFileSync(join(dir.path, 'cluster.yml'), stringify(cluster))
  writeFileSync(join(dir.path, 'config.yml'), stringify(config))
  const { code, stderr } = await run([process.execPath, MAIN, 'render', '-c', join(dir.path, 'config.yml')])
  assert.equal(code, 0, stderr)
  return { texts: destinations.map((path) => readFileSync(path, 'utf8')), warnings: stderr }
}

/** What keepalived says of a configuration, on a machine with the interfaces that are named in there. */
async function configTest(path: string): Promise<CommandResult> {
  const script = `ip link add eth0 type veth peer name eth1 && exec /usr/sbin/keepalived --config-test --use-file ${path}`
  return run([...asRoot(), 'unshare', '--net', 'sh', '-c', script])
}

/** `10.0.0.100:5432 DR -> 10.0.0.1:5432 HTTP_GET /primary`, a line for each server. */
function servers(text: string): string[] {
  const services = text.split(/^virtual_server /m).slice(1)
  return services.flatMap((service) => {
    const [, address = '', port = ''] = /^(\S+) (\d+) \{/.exec(service) ?? []
    const kind = /lb_kind (\w+)/.exec(service)?.[1] ?? ''
    return service
      .split(/^\treal_server /m)
      .slice(1)
      .map((server) => {
        const [, host = '', at = ''] = /^(\S+) (\d+) \{/.exec(server) ?? []
        const check = /(HTTP_GET|SSL_GET) \{/.exec(server)?.[1] ?? 'unchecked'
        return `${address}:${port} ${kind} -> ${host}:${at} ${check} ${/path (\S+)/.exec(server)?.[1] ?? ''}`.trim()
      })
  })
}

describe('the example', { concurrency: true }, () => {
  describe('keepalived takes what is rendered for a cluster with', { concurrency: true }, () => {
    const many = Array.from({ length: 30 }, (_, index) => index + 2)
    const replicas: Record<string, object> = Object.fromEntries(
      many.map((n) => [`m${n}`, member(n, 'replica')] as const),
    )
    const states: Readonly<Record<string, { readonly cluster: object; readonly expected: readonly string[] }>> = {
      'a primary and replicas': {
        cluster: {
          leader: 'a',
          members: {
            a: member(1, 'primary'),
            b: member(2, 'replica', 'https://10.9.0.2:8009/x'),
            c: member(3, 'replica', ''),
          },
        },
        expected: [
          'P -> 10.0.0.1:5432 HTTP_GET /primary',
          'R -> 10.0.0.2:5432 SSL_GET /replica',
          'R -> 10.0.0.3:5432 unchecked',
        ],
      },
      'a primary alone': {
        cluster: { leader: 'a', members: { a: member(1, 'primary') } },
        expected: ['P -> 10.0.0.1:5432 HTTP_GET /primary'],
      },
      'replicas and no primary': {
        cluster: {
          leader: 'b',
          members: { a: member(1, 'replica'), b: { ...member(2, 'replica'), state: 'starting' } },
        },
        expected: ['R -> 10.0.0.1:5432 HTTP_GET /replica'],
      },
      nobody: { cluster: { leader: 'a', members: { a: { ...member(1, 'replica'), state: 'stopped' } } }, expected: [] },
      'names instead of addresses, one of which is not in the DNS': {
        cluster: {
          leader: 'a',
          members: {
            a: { ...member(1, 'primary', 'http://localhost:8008/patroni'), host: 'localhost' },
            b: { ...member(2, 'replica'), host: 'b.invalid' },
            c: member(3, 'replica', 'http://c.invalid:8008/patroni'),
            d: { ...member(4, 'replica'), host: 'fd00::4' },
          },
        },
        expected: ['P -> 127.0.0.1:5432 HTTP_GET /primary', 'R -> 10.0.0.3:5432 unchecked'],
      },
      'many members': {
        cluster: {
          leader: 'm1',
          members: { m1: member(1, 'primary'), ...replicas },
        },
        expected: [
          'P -> 10.0.0.1:5432 HTTP_GET /primary',
          ...many.map((n) => `R -> 10.0.0.${n}:5432 HTTP_GET /replica`),
        ].toSorted(),
      },
    }
    for (const [state, { cluster, expected }] of Object.entries(states)) {
      test(state, async () => {
        await using dir = TempDir.create('lvs')
        const { texts, warnings } = await render(dir, cluster)
        for (const [index, { name, primary, replicas }] of TEMPLATES.entries()) {
          const lines = expected.map((line) => line.replace(/^P/, primary).replace(/^R/, replicas))
          assert.deepEqual(servers(texts[index] ?? '').toSorted(), lines.toSorted(), `${texts[index]}${warnings}`)
          assert.deepEqual(await configTest(join(dir.path, name)), { code: 0, stdout: '', stderr: '' })
        }
      })
    }
  })

  if (HAS_IPVS)
    describe('with a kernel that has IPVS', { concurrency: 1 }, () => {
      const WHO = "SELECT current_setting('demo.member'), inet_client_addr()"
      let lan: Lan
      let cluster: PatroniHosts
      let director: Host | KernelHost

      before(async () => {
        lan = await Lan.create()
        const options = { name: 'director', address: '10.0.0.10/24' }
        // For other kinds of machine there is no kernel in user mode, and that of the machine has to have IPVS.
        const boot = async () =>
          process.arch === 'x64' && IS_KERNEL_USABLE ? KernelHost.boot(lan, options) : Host.boot(lan, options)
        ;[director, cluster] = await Promise.all([boot(), PatroniHosts.start(lan)])
      })
      after(() => lan[Symbol.asyncDispose]())

      /** `10.0.0.100:5432 -> 10.0.0.1:5432 Route`, a line for each server. */
      const table = async (): Promise<string> => {
        const lines = (await director.ok('ipvsadm --list --numeric')).split('\n')
        const rows: string[] = []
        let service = ''
        for (const line of lines) {
          service = /^TCP +(\S+)/.exec(line)?.[1] ?? service
          const [, server, kind] = /^ +-> (\d\S+) +(\w+)/.exec(line) ?? []
          if (server !== undefined) rows.push(`${service} -> ${server} ${kind ?? ''}`)
        }
        return rows.toSorted().join('\n')
      }
      const shows = async (...rows: string[]): Promise<void> => {
        await until(
          `IPVS has ${rows.join(', ')}`,
          async () => {
            const now = await table()
            if (now !== rows.join('\n')) throw new Error(now)
            return true
          },
          PATIENCE,
        )
      }
      const who = (address: string, port = 5432) => cluster.sql(address, WHO, { port })

      test('the README leads to a primary and replicas that see their clients, and the router has none of them', async () => {
        const [member, machine] = readmeBlocks('lvs', 'Steps')
        const [look] = readmeBlocks('lvs', 'How to see that it works')
        assert.ok(member && machine && look)
        await Promise.all(cluster.hosts.map((host) => host.ok(`cd ${FOLDER}\n${member.command}`)))
        await director.ok(`cd ${FOLDER}\n${machine.command}`)
        const primary = '10.0.0.100:5432 -> 10.0.0.1:5432 Route'
        await shows(primary, ...[2, 3].map((n) => `10.0.0.101:5432 -> 10.0.0.${n}:5432 Route`))
        await until('the address is there', async () => (await who('10.0.0.100')) === 'pg1|10.0.0.254')
        const replicas = [await who('10.0.0.101'), await who('10.0.0.101')]
        assert.deepEqual(replicas.toSorted(), ['pg2|10.0.0.254', 'pg3|10.0.0.254'])
        const said =
          /^TCP +10\.0\.0\.100:5432 rr\n +-> 10\.0\.0\.1:5432 +Route [^]*^primary: pg1 OPEN[^]*^ Connections 0 accepted/m
        const seen = async () => (await director.sh(`cd ${FOLDER}\n${look.command}`)).stdout
        await until('both say so', async () => said.test(await seen()), PATIENCE)
        await walk(director, 'lvs', 'How to see that it works')
      })

      test('sessions on a member that is removed are cut off, and no others', async () => {
        const [session, another] = await Promise.all(
          ['10.0.0.101:5432', '10.0.0.100:5432'].map((to) => LanSession.open(lan, to)),
        )
        assert.ok(session && another)
        const rest = session.member === 'pg2' ? 3 : 2
        await cluster.host(session.member).ok(`
      sed -i 's/^name: .*/&\\ntags: {noloadbalance: true}/' /etc/patroni/config.yml
      systemctl reload patroni
    `)
        await shows('10.0.0.100:5432 -> 10.0.0.1:5432 Route', `10.0.0.101:5432 -> 10.0.0.${rest}:5432 Route`)
        await session.closed()
        await another.goesOn()
      })

      test('clients that come while there is no server are served by the router on the same machine, and the kernel takes over', async () => {
        const primary = '10.0.0.100:5432 -> 10.0.0.1:5432 Route'
        await Promise.all(['pg2', 'pg3'].map((name) => cluster.host(name).ok('systemctl stop patroni')))
        await shows(primary)
        assert.equal(await who('10.0.0.101'), 'pg1|10.0.0.10')
        await cluster.host('pg1').ok('systemctl stop patroni')
        await shows()
        const held = lan.ok(`psql -XAt -h 10.0.0.100 -U postgres -c "${WHO}"`, { timeoutMs: 60_000 })
        await until('it is held', async () =>
          /primary: 0 sessions, 1 held/.test(await director.ok('patroni-router status || true')),
        )
        await cluster.host('pg1').ok('systemctl start patroni')
        assert.equal(await held, 'pg1|10.0.0.10\n')
        await shows(primary)
        assert.equal(await who('10.0.0.100'), 'pg1|10.0.0.254')
      })

      test('with NAT clients of another network come by other ports', async () => {
        await Promise.all([
          lan.ok('ip address add 10.1.0.254/24 dev lan0'),
          cluster.host('pg1').ok('systemctl stop lvs-addresses; ip route add 10.1.0.0/24 via 10.0.0.100'),
          director.ok(`
        ip link add eth1 link eth0 type macvlan
        ip address add 10.1.0.10/24 dev eth1
        ip link set eth1 up
        sysctl net.ipv4.ip_forward=1
        cd ${FOLDER}
        install -m 644 keepalived-nat.conf.hbs -t /etc/patroni-router
        cd /etc/patroni-router
        sed -i 's/source: .*/source: keepalived-nat.conf.hbs/; s/10.0.0.100:5432/*:5000/; s/10.0.0.101:5432/*:5001/' config.yml
        systemctl restart patroni-router
      `),
        ])
        await shows('10.1.0.100:5000 -> 10.0.0.1:5432 Masq')
        await until('the address is there', async () => (await who('10.1.0.100', 5000)) === 'pg1|10.1.0.254')
      })
    })
})
