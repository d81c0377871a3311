import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { QUOTING_HELPERS } from '../../../src/templates/helpers/quoting.ts'
import { Child } from '../../support/processes/child.ts'
import { freePort } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

/** Everything on the keyboard that one or another reader of configurations takes for its own; but see nginx. */
const NASTY = `a  b"c'd\\e;f#g{h}[i]\`j|k&l<m>(n) \\n %T *!?~ ''`

function quote(target: string, value: string): string {
  const helper = QUOTING_HELPERS.find(({ name }) => name === 'quote')
  const unused = (): never => assert.fail('reads nothing')
  return String(helper?.run([target, value], { read: unused, ask: unused }))
}

test('a shell reads back what was quoted for it', () => {
  const text = `a b"c'd\\e;f#g{h}i\`j|k&l<m> \\n %T\n\t'' $PATH !`
  const command = `printf %s ${quote('shell', text)}`
  assert.equal(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' }), text)
})

test('HAProxy reads what was quoted for it', { timeout: 60_000 }, async () => {
  await using dir = TempDir.create('quoting')
  const text = `${NASTY} $HOME "$HOME"`
  const file = join(dir.path, 'haproxy.cfg')
  const socketPath = join(dir.path, 'socket')
  writeFileSync(
    file,
    `global
  stats socket ${socketPath}
  description ${quote('haproxy', text)}
listen nothing
  mode tcp
  bind ${join(dir.path, 'nothing')}
  timeout client 1s
  timeout server 1s
  timeout connect 1s
`,
  )
  await Child.start('haproxy', ['-db', '-f', file], { cwd: dir.path, logFile: join(dir.path, 'log') })
  const description = await until('HAProxy answers', async () => {
    const answer = await ask(socketPath, 'show info\n')
    return /^description: (.*)$/m.exec(answer)?.[1]
  })
  // It is shown as in a CSV file.
  assert.equal(description.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'), text)
})

test('nginx reads what was quoted for it', { timeout: 60_000 }, async () => {
  await using dir = TempDir.create('quoting')
  const file = join(dir.path, 'nginx.conf')
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir.path}/t;`)
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${dir.path}/pid; error_log stderr; events {}
http { access_log off; ${paths.join(' ')}
  server { listen 127.0.0.1:${port}; return 200 ${quote('nginx', NASTY)}; } }
`,
  )
  await Child.start('/usr/sbin/nginx', ['-c', file], { cwd: dir.path, logFile: join(dir.path, 'log') })
  const answer = await until('nginx answers', async () => (await fetch(`http://127.0.0.1:${port}/`)).text())
  assert.equal(answer, NASTY)
})

test('PgBouncer and libpq read what was quoted for them', { timeout: 60_000 }, async () => {
  await using dir = TempDir.create('quoting')
  const file = join(dir.path, 'pgbouncer.ini')
  const users = join(dir.path, 'users.txt')
  const port = await freePort()
  // A name of a user has its end at 63 bytes.
  const user = 'a "b" \\ c'
  writeFileSync(users, `"admin" ""\n${quote('ident', user)} ""\n`)
  writeFileSync(
    file,
    `[databases]
db = host=127.0.0.1 port=1 dbname=${quote('pgbouncer', NASTY)} pool_size=7
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
admin_users = admin
`,
  )
  await Child.start('/usr/sbin/pgbouncer', [file], {
    cwd: dir.path,
    logFile: join(dir.path, 'log'),
    user: 'postgres',
  })
  const target = `host=127.0.0.1 port=${port} user=admin dbname=pgbouncer application_name=${quote('libpq', NASTY)}`
  const show = async (what: string): Promise<string> =>
    (await promisify(execFile)('psql', ['-Xw', '--csv', '-c', `SHOW ${what}`, target])).stdout
  const databases = await until('PgBouncer answers', () => show('DATABASES'))
  assert.ok(databases.includes(`db,127.0.0.1,1,${csv(NASTY)},`), databases)
  const [found, clients] = [await show('USERS'), await show('CLIENTS')]
  assert.ok(found.includes(`\n${csv(user)},`), found)
  assert.ok(clients.includes(`,${csv(NASTY)}`), clients)
})

function csv(value: string): string {
  return `"${value.replaceAll('"', '""')}"`
}

async function ask(path: string, line: string): Promise<string> {
  const socket = connect(path)
  socket.setTimeout(2_000, () => socket.destroy())
  socket.end(line)
  return text(socket)
}
